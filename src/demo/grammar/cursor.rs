//! A cursor over the tokens of one statement.

use crate::demo::lexer::{Token, TokenKind, tokenize};
use crate::demo::server_errors::syntax_error;
use crate::demo::statement::{Literal, ServerError};

/// Words that are never a bare name.
const RESERVED: &[&str] = &[
    "alter", "and", "as", "asc", "between", "by", "case", "column", "create", "database", "delete", "desc", "distinct",
    "drop", "exists", "from", "group", "having", "in", "index", "insert", "is", "join", "key", "kill", "like", "limit",
    "not", "null", "on", "or", "order", "select", "set", "show", "table", "to", "union", "update", "where",
];

/// A position in the tokens of a statement.
pub struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
}

impl<'a> Cursor<'a> {
    pub fn new(sql: &'a str) -> Result<Self, ServerError> {
        Ok(Self { sql, tokens: tokenize(sql)?, at: 0 })
    }

    pub fn peek(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// Returns the token after the next one.
    pub fn peek_second(&self) -> Option<&TokenKind> {
        self.tokens.get(self.at + 1).map(|token| &token.kind)
    }

    pub fn advance(&mut self) {
        self.at += 1;
    }

    /// Returns the byte offset of the next token in the statement.
    pub fn offset(&self) -> usize {
        self.tokens.get(self.at).map_or(self.sql.len(), |token| token.start)
    }

    /// Returns the text from an offset to the end of the last token taken.
    pub fn text_since(&self, start: usize) -> &'a str {
        let end = self.at.checked_sub(1).and_then(|last| self.tokens.get(last)).map_or(start, |token| token.end);
        self.sql.get(start..end).unwrap_or_default()
    }

    /// Returns the error 1064 at the next token.
    pub fn error(&self) -> ServerError {
        syntax_error(self.sql, self.offset(), None)
    }

    /// Returns the error 1064 at the next token with a reason, where only the embedded server is this strict.
    pub fn strictness_error(&self, why: &str) -> ServerError {
        syntax_error(self.sql, self.offset(), Some(why))
    }

    pub fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.peek(), Some(TokenKind::Word(word)) if word.eq_ignore_ascii_case(keyword))
    }

    pub fn take_keyword(&mut self, keyword: &str) -> bool {
        let seen = self.is_keyword(keyword);
        if seen {
            self.advance();
        }
        seen
    }

    pub fn expect_keyword(&mut self, keyword: &str) -> Result<(), ServerError> {
        if self.take_keyword(keyword) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes several keywords in a row.
    pub fn expect_keywords(&mut self, keywords: &[&str]) -> Result<(), ServerError> {
        keywords.iter().try_for_each(|keyword| self.expect_keyword(keyword))
    }

    pub fn take_symbol(&mut self, symbol: char) -> bool {
        let seen = self.peek() == Some(&TokenKind::Symbol(symbol));
        if seen {
            self.advance();
        }
        seen
    }

    pub fn expect_symbol(&mut self, symbol: char) -> Result<(), ServerError> {
        if self.take_symbol(symbol) { Ok(()) } else { Err(self.error()) }
    }

    /// Takes the end of the statement; one `;` may be before it.
    pub fn expect_end(&mut self) -> Result<(), ServerError> {
        self.take_symbol(';');
        if self.peek().is_none() { Ok(()) } else { Err(self.error()) }
    }

    /// Takes a name of a column, a view or a setting: bare or in backticks.
    pub fn identifier(&mut self) -> Result<String, ServerError> {
        let name = match self.peek() {
            Some(TokenKind::Word(word)) if !RESERVED.contains(&word.to_lowercase().as_str()) => word.clone(),
            Some(TokenKind::Backticked(name)) => name.clone(),
            _ => return Err(self.error()),
        };
        self.advance();
        Ok(name)
    }

    /// Takes a tenant's name: bare, in backticks or in single quotes.
    pub fn tenant_name(&mut self) -> Result<String, ServerError> {
        if let Some(TokenKind::SingleQuoted(name)) = self.peek() {
            let name = name.clone();
            self.advance();
            return Ok(name);
        }
        self.identifier()
    }

    /// Takes a string in single quotes.
    pub fn string(&mut self) -> Result<String, ServerError> {
        let Some(TokenKind::SingleQuoted(text)) = self.peek() else { return Err(self.error()) };
        let text = text.clone();
        self.advance();
        Ok(text)
    }

    /// Takes an integer without a sign.
    pub fn number(&mut self) -> Result<i128, ServerError> {
        let Some(TokenKind::Number(number)) = self.peek() else { return Err(self.error()) };
        let number = *number;
        self.advance();
        Ok(number)
    }

    /// Takes a string in single quotes, an integer, or NULL.
    pub fn literal(&mut self) -> Result<Literal, ServerError> {
        if self.take_keyword("null") {
            return Ok(Literal::Null);
        }
        match self.peek() {
            Some(TokenKind::SingleQuoted(_)) => self.string().map(Literal::Text),
            Some(TokenKind::Symbol('-')) if matches!(self.peek_second(), Some(TokenKind::Number(_))) => {
                self.advance();
                self.number().map(|number| Literal::Integer(-number))
            }
            _ => self.number().map(Literal::Integer),
        }
    }
}
