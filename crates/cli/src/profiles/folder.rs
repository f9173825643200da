//! The folder that profiles are kept in, unless somebody names another one.

use std::path::{Path, PathBuf};

/// The folder's name among those of other programs.
const NAME: &str = "headwater";
/// The variable that names the folder itself.
const OWN_VARIABLE: &str = "HEADWATER_CONFIG_DIR";

/// `HEADWATER_CONFIG_DIR`, else `headwater` in the folder that systems keep settings in. `None` if nobody has a home.
pub fn folder<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Option<PathBuf> {
    if let Some(folder) = variable(OWN_VARIABLE) {
        return Some(PathBuf::from(folder));
    }
    let absolute = |name| variable(name).map(Path::new).filter(|path| path.is_absolute());
    let settings = absolute("XDG_CONFIG_HOME").map(Path::to_path_buf);
    let settings = settings.or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let settings = settings.or_else(|| absolute("APPDATA").map(Path::to_path_buf));
    settings.map(|settings| settings.join(NAME))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &'static str)]) -> Option<PathBuf> {
        folder(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
    }

    #[test]
    fn the_nearest_variable_counts() {
        let all = [("HEADWATER_CONFIG_DIR", "here"), ("XDG_CONFIG_HOME", "/xdg"), ("HOME", "/home/jane")];
        assert_eq!(found(&all), Some("here".into()));
        assert_eq!(found(&all[1..]), Some("/xdg/headwater".into()));
        assert_eq!(found(&all[2..]), Some("/home/jane/.config/headwater".into()));
        assert_eq!(found(&[("XDG_CONFIG_HOME", "relative"), all[2]]), Some("/home/jane/.config/headwater".into()));
        assert_eq!(found(&[]), None);
    }
}
