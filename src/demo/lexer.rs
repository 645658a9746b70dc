//! The lexer of the MySQL mode of OceanBase. It drops comments and hints.

use super::server_errors::syntax_error;
use super::statement::ServerError;

/// The kind of a token, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    /// A bare word: keyword, function or name.
    Word(String),
    /// A name in backticks.
    Backticked(String),
    /// A string in single quotes, unescaped.
    SingleQuoted(String),
    /// A text in double quotes, unescaped. A kind of its own, so that nothing takes it for a string by accident.
    DoubleQuoted(String),
    /// An integer without its sign.
    Number(i128),
    /// `@@name`, `@@session.name`, `@@global.name`: in lower case, without scope and `@@`.
    Variable(String),
    /// Any other character.
    Symbol(char),
}

/// A token and its position in the statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Offset of its first byte.
    pub start: usize,
    /// Offset behind its last byte.
    pub end: usize,
}

/// Splits a statement into tokens.
///
/// # Errors
/// 1064 at a quote or comment that does not end, and at a number that no column could hold.
pub fn tokenize(sql: &str) -> Result<Vec<Token>, ServerError> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(next) = sql[at..].chars().next() {
        let start = at;
        if next.is_whitespace() {
            at += next.len_utf8();
            continue;
        }
        if let Some(behind) = comment_end(sql, at)? {
            at = behind;
            continue;
        }
        let (kind, end) = match next {
            '\'' | '"' | '`' => read_quoted(sql, at, next)?,
            '0'..='9' => read_number(sql, at)?,
            '@' if sql[at..].starts_with("@@") => read_variable(sql, at)?,
            _ if is_word_char(next) => {
                let end = end_of_run(sql, at, is_word_char);
                (TokenKind::Word(sql[at..end].to_owned()), end)
            }
            other => (TokenKind::Symbol(other), at + other.len_utf8()),
        };
        at = end;
        found.push(Token { kind, start, end });
    }
    Ok(found)
}

/// Splits a text at each `;` outside quotes and comments; a last `;` may end it. A text with a lexical error is returned as one
/// statement, so that its error is reported.
#[must_use]
pub fn split_statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for token in tokenize(text).unwrap_or_default() {
        if token.kind == TokenKind::Symbol(';') {
            found.push(text[from..token.start].trim());
            from = token.end;
        }
    }
    let rest = text[from..].trim();
    if found.is_empty() || !rest.is_empty() {
        found.push(rest);
    }
    found
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Returns the offset after the longest run of such characters.
fn end_of_run(sql: &str, from: usize, belongs: fn(char) -> bool) -> usize {
    sql[from..].find(|c| !belongs(c)).map_or(sql.len(), |length| from + length)
}

/// Returns the offset after the comment that begins here, if one does.
fn comment_end(sql: &str, at: usize) -> Result<Option<usize>, ServerError> {
    let rest = &sql[at..];
    if rest.starts_with("/*!") {
        // A server executes its content; obnow never sends one.
        return Err(syntax_error(sql, at, Some("the embedded OceanBase refuses /*! */")));
    }
    if rest.starts_with("/*") {
        let end = rest.find("*/").ok_or_else(|| syntax_error(sql, at, None))?;
        return Ok(Some(at + end + 2));
    }
    let to_end_of_line = rest.starts_with('#')
        || rest.strip_prefix("--").is_some_and(|behind| behind.chars().next().is_none_or(char::is_whitespace));
    Ok(to_end_of_line.then(|| rest.find('\n').map_or(sql.len(), |length| at + length)))
}

fn read_quoted(sql: &str, at: usize, quote: char) -> Result<(TokenKind, usize), ServerError> {
    let mut text = String::new();
    let mut inside = sql[at + 1..].char_indices().peekable();
    while let Some((offset, c)) = inside.next() {
        if c == quote {
            // A doubled quote stands for itself.
            if inside.next_if(|(_, next)| *next == quote).is_some() {
                text.push(quote);
                continue;
            }
            let end = at + 1 + offset + 1;
            let kind = match quote {
                '\'' => TokenKind::SingleQuoted(text),
                '"' => TokenKind::DoubleQuoted(text),
                _ => TokenKind::Backticked(text),
            };
            return Ok((kind, end));
        }
        if c == '\\' && quote != '`' {
            match inside.next() {
                Some((_, escaped)) => text.push_str(&unescape(escaped)),
                None => break,
            }
            continue;
        }
        text.push(c);
    }
    Err(syntax_error(sql, at, None))
}

/// Resolves MySQL's backslash escapes; `\%` and `\_` keep the backslash, for LIKE.
fn unescape(c: char) -> String {
    match c {
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        'r' => "\r".to_owned(),
        'b' => "\u{8}".to_owned(),
        '0' => "\0".to_owned(),
        'Z' => "\u{1a}".to_owned(),
        '%' | '_' => format!("\\{c}"),
        other => other.to_string(),
    }
}

fn read_number(sql: &str, at: usize) -> Result<(TokenKind, usize), ServerError> {
    let end = end_of_run(sql, at, is_word_char);
    let text = &sql[at..end];
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        // `1a` is a name, as in MySQL.
        return Ok((TokenKind::Word(text.to_owned()), end));
    }
    let value = text.parse().map_err(|_| syntax_error(sql, at, None))?;
    Ok((TokenKind::Number(value), end))
}

fn read_variable(sql: &str, at: usize) -> Result<(TokenKind, usize), ServerError> {
    let end = end_of_run(sql, at + 2, |c| is_word_char(c) || c == '.');
    let name = sql[at + 2..end].to_lowercase();
    let name = name.strip_prefix("session.").or_else(|| name.strip_prefix("global.")).unwrap_or(&name);
    if name.is_empty() || name.contains('.') {
        return Err(syntax_error(sql, at, None));
    }
    Ok((TokenKind::Variable(name.to_owned()), end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where its setup fails")]

    use super::*;

    fn kinds(sql: &str) -> Vec<TokenKind> {
        tokenize(sql).unwrap().into_iter().map(|token| token.kind).collect()
    }

    #[test]
    fn comments_and_hints_vanish() {
        let expected = vec![TokenKind::Word("a".into()), TokenKind::Word("b".into())];
        for sql in ["a/*x*/b", "a /*+ query_timeout(1) */ b", "a -- c\nb", "a # c\nb", "a\n--\nb", "a b --"] {
            assert_eq!(kinds(sql), expected, "{sql}");
        }
        assert_eq!(kinds("1--2").len(), 4, "two dashes without a space are arithmetic");
    }

    #[test]
    fn quotes_are_unescaped_and_keep_their_kind() {
        assert_eq!(kinds(r"'a''b\'c\\'"), [TokenKind::SingleQuoted(r"a'b'c\".into())]);
        assert_eq!(kinds(r#""a""b""#), [TokenKind::DoubleQuoted(r#"a"b"#.into())]);
        assert_eq!(kinds(r"`a``\b`"), [TokenKind::Backticked(r"a`\b".into())]);
        assert_eq!(kinds(r"'10\%'"), [TokenKind::SingleQuoted(r"10\%".into())]);
        assert_eq!(kinds("'备份'"), [TokenKind::SingleQuoted("备份".into())]);
    }

    #[test]
    fn a_text_is_cut_at_semicolons_that_stand_alone() {
        assert_eq!(split_statements("a 'x;y' `;` /* ; */; b \";\" -- ;"), ["a 'x;y' `;` /* ; */", "b \";\" -- ;"]);
        for single in ["a", "a;", "a; ", "", "a 'b; c"] {
            assert_eq!(split_statements(single).len(), 1, "{single}");
        }
    }

    #[test]
    fn what_does_not_end_is_a_syntax_error() {
        for sql in ["'a", "\"a", "`a", "/* a", "'a\\", "/*! x */", "@@", "@@a.b"] {
            assert_eq!(tokenize(sql).unwrap_err().code, 1064, "{sql}");
        }
    }

    #[test]
    fn variables_lose_scope_and_case() {
        for sql in ["@@Time_Zone", "@@session.time_zone", "@@GLOBAL.time_zone"] {
            assert_eq!(kinds(sql), [TokenKind::Variable("time_zone".into())], "{sql}");
        }
    }

    #[test]
    fn an_scn_fits() {
        assert_eq!(kinds("18446744073709551615"), [TokenKind::Number(i128::from(u64::MAX))]);
    }
}
