//! Systems obnow talks to, a folder each: statements, views and files stay inside, domain words come out.

pub mod dump;
