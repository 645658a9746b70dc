//! Parses a schema file of a dump: whether its statement is complete, and which columns every row must have.

/// The contents of a `CREATE TABLE` file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// The table's name.
    pub table: String,
    /// The columns of a row, without generated columns, which have no value in a row.
    pub columns: Vec<String>,
    /// Whether its rows load only from a file that declares a character set: a column name is not ASCII, or a type does not
    /// accept binary text.
    pub needs_charset: bool,
}

/// Parses a `CREATE TABLE` file; `None` where it is not one complete statement: truncated, or with unpaired quotes, as servers
/// write an ENUM whose values contain a quote.
#[must_use]
pub fn parse_table(text: &[u8]) -> Option<TableSchema> {
    let text = after_create(text, "CREATE TABLE ")?;
    let (table, rest) = quoted_name(text)?;
    let body = rest.trim_ascii_start().strip_prefix(b"(")?;
    let (mut columns, mut needs_charset) = (Vec::new(), false);
    let mut rest = body;
    loop {
        let (element, end, after) = element(rest)?;
        if let Some((name, definition)) = quoted_name(element.trim_ascii_start())
            && !outside_quotes(definition).windows(19).any(|w| w.eq_ignore_ascii_case(b" GENERATED ALWAYS A"))
        {
            needs_charset |= !name.is_ascii() || needs_character_string(definition);
            columns.push(name);
        }
        rest = after;
        if end == b')' {
            break;
        }
    }
    is_end_of_statement(rest).then_some(TableSchema { table, columns, needs_charset })
}

/// Types that a server loads from a character string only: from a binary string `VECTOR` is an invalid argument, and `ARRAY` is
/// not supported (seekdb 1.4.0).
const CHARACTER_STRING_TYPES: [&[u8]; 4] = [b"VECTOR(", b"ARRAY(", b"SPARSEVECTOR", b"MAP("];

fn needs_character_string(definition: &[u8]) -> bool {
    let definition = definition.trim_ascii_start().to_ascii_uppercase();
    CHARACTER_STRING_TYPES.iter().any(|name| definition.starts_with(name))
}

/// Returns whether a view's file is complete: it has the `CREATE ... VIEW` statement of that name, and every statement ends.
#[must_use]
pub fn is_complete_view(text: &[u8], view: &str) -> bool {
    let quoted = format!("VIEW `{view}`");
    let created = text
        .split(|b| *b == b'\n')
        .any(|line| line.starts_with(b"CREATE ") && line.windows(quoted.len()).any(|w| w == quoted.as_bytes()));
    created && text.trim_ascii_end().ends_with(b";") && has_balanced_quotes(text)
}

/// Returns whether a database's file is one complete `CREATE DATABASE` of that name.
#[must_use]
pub fn is_complete_database(text: &[u8], database: &str) -> bool {
    after_create(text, "CREATE DATABASE ")
        .and_then(quoted_name)
        .is_some_and(|(name, rest)| name == database && is_end_of_statement(rest))
}

/// Returns the text after a `CREATE ...` at the start of a line.
fn after_create<'a>(text: &'a [u8], create: &str) -> Option<&'a [u8]> {
    let at = std::iter::once(0)
        .chain(text.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1))
        .find(|at| text[*at..].starts_with(create.as_bytes()))?;
    let rest = &text[at + create.len()..];
    Some(rest.strip_prefix(b"IF NOT EXISTS ").unwrap_or(rest))
}

/// Parses a name in backquotes, and returns the rest.
fn quoted_name(text: &[u8]) -> Option<(String, &[u8])> {
    let rest = text.strip_prefix(b"`")?;
    let end = rest.iter().position(|b| *b == b'`')?;
    Some((String::from_utf8_lossy(&rest[..end]).into_owned(), &rest[end + 1..]))
}

/// Returns the next element of a list in parentheses, the byte that ended it (`,` or `)`), and the rest.
fn element(text: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' | b'`' => at = end_of_quote(text, at)? - 1,
            b'(' => depth += 1,
            b',' if depth == 0 => return Some((&text[..at], b',', &text[at + 1..])),
            b')' if depth == 0 => return Some((&text[..at], b')', &text[at + 1..])),
            b')' => depth -= 1,
            b';' => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the position after the quoted text that starts at `at`; `None` where it never ends.
fn end_of_quote(text: &[u8], at: usize) -> Option<usize> {
    let quote = *text.get(at)?;
    let mut i = at + 1;
    loop {
        match *text.get(i)? {
            b'\\' if quote != b'`' => i += 2,
            byte if byte == quote && text.get(i + 1) == Some(&quote) => i += 2,
            byte if byte == quote => return Some(i + 1),
            _ => i += 1,
        }
    }
}

/// Returns whether the text is the rest of one statement with its `;`, and nothing more.
fn is_end_of_statement(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' | b'`' => match end_of_quote(text, at) {
                Some(after) => at = after,
                None => return false,
            },
            b';' => return text[at + 1..].trim_ascii().is_empty(),
            _ => at += 1,
        }
    }
    false
}

fn has_balanced_quotes(text: &[u8]) -> bool {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\'' | b'"' | b'`' => match end_of_quote(text, at) {
                Some(after) => at = after,
                None => return false,
            },
            _ => at += 1,
        }
    }
    true
}

/// Returns the text without its quoted parts.
fn outside_quotes(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        if matches!(byte, b'\'' | b'"' | b'`') {
            at = end_of_quote(text, at).unwrap_or(text.len());
        } else {
            kept.push(*byte);
            at += 1;
        }
    }
    kept
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const TABLE: &str = "/*!40101 SET NAMES binary*/;\n\nCREATE TABLE `order` (\n  `id` bigint(20) unsigned NOT NULL,\n  \
        `d` decimal(30,6) DEFAULT NULL COMMENT 'it''s, (GENERATED ALWAYS AS; ',\n  `e` enum('a,)','b') DEFAULT NULL,\n  \
        `g` varchar(60) GENERATED ALWAYS AS (concat('g)',`id`)) VIRTUAL,\n  PRIMARY KEY (`id`),\n  KEY `k` (`d`, `e`)\n) \
        DEFAULT CHARSET = utf8mb4 COMMENT = 'x;y' partition by hash(id) (partition `p0`);\n";

    #[test]
    fn generated_columns_are_left_out() {
        let schema = parse_table(TABLE.as_bytes()).unwrap();
        assert_eq!(schema.table, "order");
        assert_eq!(schema.columns, ["id", "d", "e"]);
    }

    #[test]
    fn vector_columns_need_a_character_set() {
        let needs = |column: &str| {
            parse_table(format!("CREATE TABLE `t` (\n  {column}\n);\n").as_bytes()).unwrap().needs_charset
        };
        for column in
            ["`e` VECTOR(3) DEFAULT NULL", "`a` ARRAY(INT)", "`m` MAP(INT,INT)", "`s` SPARSEVECTOR", "`列` int"]
        {
            assert!(needs(column), "{column}");
        }
        for column in
            ["`vector` int", "`a` varchar(9) COMMENT 'VECTOR(3)'", "`g` VECTOR(3) GENERATED ALWAYS AS (f(`a`))"]
        {
            assert!(!needs(column), "{column}");
        }
        assert!(!parse_table(TABLE.as_bytes()).unwrap().needs_charset);
    }

    #[test]
    fn truncated_schema_is_refused() {
        let whole = TABLE.trim_end().len();
        assert!(parse_table(&TABLE.as_bytes()[..whole]).is_some());
        for end in 0..whole {
            assert_eq!(parse_table(&TABLE.as_bytes()[..end]), None, "cut at {end}");
        }
    }

    #[test]
    fn an_unpaired_quote_is_not_a_statement() {
        let text = b"CREATE TABLE `t` (\n  `e` enum('a','b'c') DEFAULT NULL\n) DEFAULT CHARSET = utf8mb4;\n";
        assert_eq!(parse_table(text), None);
    }

    #[test]
    fn database_and_view_completeness() {
        assert!(is_complete_database(b"CREATE DATABASE `aw` DEFAULT CHARACTER SET = utf8mb4;", "aw"));
        assert!(!is_complete_database(b"CREATE DATABASE `aw` DEFAULT", "aw"));
        assert!(!is_complete_database(b"CREATE DATABASE `other`;", "aw"));
        let view = b"DROP VIEW IF EXISTS `v`;\nCREATE VIEW `v` AS select 'a' from `t`;\nSET x = @y;\n";
        assert!(is_complete_view(view, "v"));
        assert!(!is_complete_view(&view[..50], "v"));
        assert!(!is_complete_view(view, "w"));
    }
}
