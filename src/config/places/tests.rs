#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use std::os::unix::fs::PermissionsExt;

use super::*;

#[test]
fn flags_win_and_the_rest_is_where_xdg_says() {
    let (config, state) = (Path::new("/c"), Path::new("/s"));
    let places = Places::under(config, state, None, None);
    assert_eq!((places.config, places.state), ("/c/obnow/config.yaml".into(), "/s/obnow".into()));
    let places = Places::under(config, state, Some("/x.yaml".into()), None);
    assert_eq!((places.config, places.state), ("/x.yaml".into(), "/s/obnow".into()));
    let places = Places::find(Some("/x.yaml".into()), Some("/y".into())).unwrap();
    assert_eq!((places.config.clone(), places.state.clone()), ("/x.yaml".into(), "/y".into()));
    let demo = places.demo("fleet");
    assert_eq!((demo.config, demo.state), ("/y/demo/fleet/config.yaml".into(), "/y/demo/fleet/state".into()));
}

#[test]
fn the_state_directory_is_made_private_and_refused_when_others_may_write() {
    let folder = tempfile::tempdir().unwrap();
    let places = Places { config: folder.path().join("c"), state: folder.path().join("a/b") };
    places.ensure_state().unwrap();
    for path in ["a", "a/b"] {
        assert_eq!(std::fs::metadata(folder.path().join(path)).unwrap().mode() & 0o777, 0o700);
    }
    places.ensure_state().unwrap();
    std::fs::set_permissions(&places.state, std::fs::Permissions::from_mode(0o770)).unwrap();
    let fault = places.ensure_state().unwrap_err();
    assert_eq!(fault.next, format!("Run: chmod 700 {}", places.state.display()));
    std::fs::remove_dir(&places.state).unwrap();
    std::fs::write(&places.state, "").unwrap();
    places.ensure_state().unwrap_err();
}

#[test]
fn who_and_where_are_one_line_each() {
    assert!(who().contains(&format!("uid {}", rustix::process::getuid().as_raw())));
    assert!(!host().is_empty() && !host().contains('\n'));
}
