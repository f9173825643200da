//! The official clients and the receivers that the stories play with (the folders `clients` and `examples`): how each is
//! put on the machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::machine::{self, tools};

/// The folders of what runs on Node.js, with a package that shows that one is installed.
const NPM: &[(&str, &str)] = &[
    ("clients/node", "auth0"),
    ("clients/deploy-cli", "auth0-deploy-cli"),
    ("examples/node", "express"),
    ("examples/vercel", "@vercel/node"),
    ("examples/inngest", "inngest"),
];
/// Python packages that are installed into an environment of their own.
pub(crate) struct PythonEnvironment {
    /// The environment's name among the tools.
    name: &'static str,
    /// What it needs.
    requirements: &'static str,
}

/// The Python SDK.
pub(crate) const PYTHON_SDK: PythonEnvironment =
    PythonEnvironment { name: "python", requirements: "clients/python/requirements.txt" };
/// What asks the server whatever its description allows.
pub(crate) const SCHEMATHESIS: PythonEnvironment =
    PythonEnvironment { name: "schemathesis", requirements: "clients/schemathesis/requirements.txt" };
/// AWS, as far as streams to EventBridge need it.
pub(crate) const MOTO: PythonEnvironment =
    PythonEnvironment { name: "moto", requirements: "clients/moto/requirements.txt" };
/// What the receiver in Python runs with.
pub(crate) const PYTHON_RECEIVER: PythonEnvironment =
    PythonEnvironment { name: "python-receiver", requirements: "examples/python/requirements.txt" };

/// A client that is built from its Go module.
pub(crate) struct GoProgram {
    /// The program's name.
    name: &'static str,
    /// Its package and version, as `go install` takes them.
    package: &'static str,
}

/// The command-line client.
pub(crate) const AUTH0_CLI: GoProgram =
    GoProgram { name: "auth0", package: "github.com/auth0/auth0-cli/cmd/auth0@v1.33.0" };
/// The Terraform provider.
pub(crate) const TERRAFORM_PROVIDER: GoProgram =
    GoProgram { name: "terraform-provider-auth0", package: "github.com/auth0/terraform-provider-auth0@v1.51.0" };

/// Whether the npm packages are there.
pub(crate) fn npm_installed(root: &Path) -> bool {
    NPM.iter().all(|(folder, package)| root.join(folder).join("node_modules").join(package).is_dir())
}

/// Installs the npm packages, unless they are there as locked; says what it did.
pub(crate) fn npm_install(root: &Path) -> Result<String> {
    let mut done = Vec::new();
    for (folder, _) in NPM {
        done.push(format!("{folder} {}", npm_install_in(&root.join(folder))?));
    }
    Ok(done.join(", "))
}

fn npm_install_in(folder: &Path) -> Result<String> {
    let lock = folder.join("package-lock.json");
    let locked = std::fs::read(&lock).with_context(|| format!("{} cannot be read", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-from");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == locked) {
        return Ok("as locked".into());
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        .current_dir(folder)
        .status()
        .context("npm could not be started")?;
    if !status.success() {
        bail!("npm ci in {} ended with {status}", folder.display());
    }
    std::fs::write(&stamp, locked).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok("installed".into())
}

impl PythonEnvironment {
    fn folder(&self) -> Result<PathBuf> {
        Ok(tools()?.join(self.name))
    }

    /// Its Python, once it has been installed as it is required now.
    pub(crate) fn python(&self, root: &Path) -> Option<PathBuf> {
        let folder = self.folder().ok()?;
        let required = std::fs::read(root.join(self.requirements)).ok()?;
        let installed = std::fs::read(folder.join("installed-from")).ok()?;
        (required == installed).then(|| folder.join("bin/python"))
    }

    fn install(&self, root: &Path) -> Result<String> {
        if self.python(root).is_some() {
            return Ok(format!("{} as required", self.name));
        }
        let folder = self.folder()?;
        let requirements = root.join(self.requirements);
        let mut make = Command::new("python3");
        make.args(["-m", "venv", "--clear"]).arg(&folder);
        succeed(make, "python3 -m venv (Debian's package is python3-venv)")?;
        let mut install = Command::new(folder.join("bin/python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        install.arg(&requirements);
        succeed(install, "pip install")?;
        std::fs::copy(&requirements, folder.join("installed-from"))
            .context("the environment cannot be marked as made")?;
        Ok(format!("{} installed", self.name))
    }
}

/// Installs what is played with Python; says what it did.
pub(crate) fn python_install(root: &Path) -> Result<String> {
    let installed = [PYTHON_SDK, SCHEMATHESIS, MOTO, PYTHON_RECEIVER].map(|each| each.install(root));
    Ok(installed.into_iter().collect::<Result<Vec<_>>>()?.join(", "))
}

/// Where a program that was built from its Go module is, if it was.
pub(crate) fn go_program(program: &GoProgram) -> Option<PathBuf> {
    let file = tools().ok()?.join("go").join(program.name);
    file.is_file().then_some(file)
}

/// Why the Terraform provider cannot be played with, if it cannot.
pub(crate) fn terraform_lacks() -> Option<&'static str> {
    if !machine::has("terraform") {
        return Some("there is no terraform on this machine");
    }
    go_program(&TERRAFORM_PROVIDER).is_none().then_some("it could not be built (step go)")
}

/// The receiver in Go.
const GO_RECEIVER: &str = "examples/go";

/// Where the receiver in Go is, if it has been built.
pub(crate) fn go_receiver() -> Option<PathBuf> {
    let file = tools().ok()?.join("go/receiver");
    file.is_file().then_some(file)
}

/// Builds the receiver in Go, unless the modules that it needs cannot be had. It is built anew, which takes a moment where
/// nothing has changed: what is left of a former build would hide a failure.
pub(crate) fn go_receiver_build(go: &Path, root: &Path) -> Result<()> {
    let file = tools()?.join("go/receiver");
    if file.is_file() {
        std::fs::remove_file(&file).with_context(|| format!("{} cannot be removed", file.display()))?;
    }
    let module = root.join(GO_RECEIVER);
    let mut download = Command::new(go);
    download.args(["mod", "download"]).current_dir(&module);
    if succeed(download, "go mod download").is_err() {
        return Ok(());
    }
    let mut build = Command::new(go);
    build.arg("build").arg("-o").arg(&file).arg(".").current_dir(&module);
    succeed(build, &format!("go build in {GO_RECEIVER}"))
}

/// Builds the clients that come as Go modules, unless they have been built before; says what it did.
pub(crate) fn go_install(go: &Path) -> Result<String> {
    let folder = tools()?.join("go");
    let mut done = Vec::new();
    let mut failed = Vec::new();
    for program in [&AUTH0_CLI, &TERRAFORM_PROVIDER] {
        if go_program(program).is_some() {
            done.push(format!("{} built before", program.name));
            continue;
        }
        let mut install = Command::new(go);
        install.args(["install", program.package]).env("GOBIN", &folder);
        match succeed(install, &format!("go install {}", program.package)) {
            Ok(()) => done.push(format!("built {}", program.name)),
            Err(error) => failed.push(error.to_string()),
        }
    }
    if failed.is_empty() { Ok(done.join(", ")) } else { bail!("{}", failed.join("; ")) }
}

fn succeed(mut command: Command, what: &str) -> Result<()> {
    let status = command.status().with_context(|| format!("{what} could not be started"))?;
    if !status.success() {
        bail!("{what} ended with {status}");
    }
    Ok(())
}
