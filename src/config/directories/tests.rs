#![allow(clippy::unwrap_used, reason = "a test may fall where it stands")]

use super::*;

#[test]
fn flags_win_and_the_rest_is_where_xdg_says() {
    let (config, state) = (Path::new("/c"), Path::new("/s"));
    let places = Directories::below_home(config, state, None, None);
    assert_eq!((places.config, places.state), ("/c/obnow/config.yaml".into(), "/s/obnow".into()));
    let places = Directories::below_home(config, state, Some("/x.yaml".into()), None);
    assert_eq!((places.config, places.state), ("/x.yaml".into(), "/s/obnow".into()));
    let places = Directories::find(Some("/x.yaml".into()), Some("/y".into())).unwrap();
    assert_eq!((places.config.clone(), places.state.clone()), ("/x.yaml".into(), "/y".into()));
}

#[test]
fn who_and_where_are_one_line_each() {
    assert!(who().contains(&format!("uid {}", rustix::process::getuid().as_raw())));
    assert!(!host().is_empty() && !host().contains('\n'));
}
