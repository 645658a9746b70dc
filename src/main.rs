//! obnow.
fn main() {}
