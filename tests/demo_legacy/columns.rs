//! Tests that every view of every line has the columns in `columns.txt`, which was written from the server's source.

use std::collections::BTreeMap;

use obnow::demo::view_definitions::{Column, views_of};

/// The lines of each generation; a column without lines of its own is on all of them.
const GENERATIONS: [(&str, &[&str]); 3] = [
    ("V4", &["4.0", "4.1", "4.2.5", "4.3.5"]),
    ("V3", &["2.2.77", "3.1.2", "3.1.5", "3.2.2", "3.2.2-tenant", "3.2.4"]),
    ("seekdb", &["seekdb"]),
];

/// Name and type of each column, `?` behind what may be NULL.
type Columns = Vec<String>;

/// Returns the columns in the table for a line of a generation, view by view.
fn table(generation: &str, line: &str) -> BTreeMap<String, Columns> {
    let mut views: BTreeMap<String, Columns> = BTreeMap::new();
    let mut view = None;
    for row in include_str!("columns.txt").lines().filter(|row| !row.is_empty() && !row.starts_with('#')) {
        if let Some(heading) = row.strip_prefix('[') {
            let (of, name) = heading.trim_end_matches(']').split_once(' ').unwrap();
            view = (of == generation).then(|| name.to_owned());
            continue;
        }
        let (column, lines) = row.split_once('|').unwrap_or((row, ""));
        let mut lines = lines.split_whitespace().peekable();
        let here = lines.peek().is_none() || lines.any(|own| own == line);
        if let Some(view) = view.as_ref().filter(|_| here) {
            let words: Vec<&str> = column.split_whitespace().collect();
            let column = words.join(" ");
            views
                .entry(view.clone())
                .or_default()
                .push(column.strip_suffix(" NULL").map_or(column.clone(), |kind| format!("{kind}?")));
        }
    }
    views
}

fn shown(column: &Column) -> String {
    format!("{} {}{}", column.name, column.sql_type, if column.nullable { "?" } else { "" })
}

#[test]
fn every_column_of_every_view_is_that_of_the_source() {
    for (generation, lines) in GENERATIONS {
        for line in lines {
            let embedded = views_of(line).unwrap();
            let table = table(generation, line);
            assert_eq!(embedded.keys().collect::<Vec<_>>(), table.keys().collect::<Vec<_>>(), "the views of {line}");
            for (name, view) in embedded {
                let columns: Columns = view.columns.iter().map(shown).collect();
                assert_eq!(columns, table[name], "{line}: {name}");
            }
        }
    }
}
