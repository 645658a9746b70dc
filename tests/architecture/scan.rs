//! Finds every path to a module of the crate in a file: in `use` with its groups, in expressions and types, through `super`.

/// A part that is used.
#[derive(Debug)]
pub struct Used {
    pub part: String,
    pub line: usize,
    /// In test code.
    pub in_tests: bool,
}

/// The result of the scan of a file.
#[derive(Debug, Default)]
pub struct Source {
    pub uses: Vec<Used>,
    /// String literals with their lines.
    pub literals: Vec<(usize, String)>,
    /// Constructs that hide a path from this scan.
    pub odd: Vec<(usize, String)>,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Word(String),
    Text(String),
    /// `::`
    Hop,
    Mark(char),
}

#[derive(Debug, Clone)]
struct Token {
    kind: Kind,
    line: usize,
}

impl Token {
    fn is(&self, mark: char) -> bool {
        self.kind == Kind::Mark(mark)
    }

    fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }
}

pub fn scan(file: &str, text: &str) -> Source {
    let tokens = tokens(text);
    let mut walk = Walk {
        tokens: &tokens,
        at: 0,
        module: module_of(file),
        test_file: is_test_file(file),
        open: Vec::new(),
        depth: 0,
        source: Source::default(),
    };
    walk.run();
    let mut source = walk.source;
    for token in &tokens {
        if let Kind::Text(text) = &token.kind {
            source.literals.push((token.line, text.clone()));
        }
    }
    source
}

/// The path of a file's module; the library's own is empty, and `main` is its own root.
fn module_of(file: &str) -> Vec<String> {
    let mut path: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod" || last == "lib") {
        path.pop();
    }
    path
}

fn is_test_file(file: &str) -> bool {
    file.trim_end_matches(".rs").split('/').any(|part| part == "tests" || part.ends_with("_tests"))
}

struct Walk<'a> {
    tokens: &'a [Token],
    at: usize,
    /// The path of the module at hand.
    module: Vec<String>,
    test_file: bool,
    /// At which depth each inline module was opened, and whether it is of tests.
    open: Vec<(usize, bool)>,
    depth: usize,
    source: Source,
}

impl Walk<'_> {
    fn peek(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        self.peek(ahead)?.word()
    }

    fn is(&self, ahead: usize, mark: char) -> bool {
        self.peek(ahead).is_some_and(|token| token.is(mark))
    }

    fn hop(&self, ahead: usize) -> bool {
        self.peek(ahead).is_some_and(|token| token.kind == Kind::Hop)
    }

    fn in_tests(&self) -> bool {
        self.test_file || self.open.iter().any(|(_, tests)| *tests)
    }

    fn run(&mut self) {
        // Attributes belong to what follows them.
        let mut for_tests = false;
        let mut own_path = None;
        while let Some(token) = self.peek(0).cloned() {
            if token.is('#') {
                let attribute = self.attribute();
                for_tests |= attribute.replace(' ', "") == "cfg(test)";
                if attribute.starts_with("path ") {
                    own_path = Some(token.line);
                }
                continue;
            }
            match token.word() {
                Some("mod") if self.word(1).is_some() => {
                    if let Some(line) = own_path.filter(|_| !for_tests && !self.in_tests()) {
                        self.source.odd.push((line, "a module with a path of its own".to_owned()));
                    }
                    if self.is(2, '{') {
                        self.module.push(self.word(1).unwrap_or_default().to_owned());
                        self.open.push((self.depth, for_tests));
                    }
                    self.at += 2;
                }
                Some("use") => {
                    self.at += 1;
                    self.tree(&mut Vec::new());
                }
                Some("include") if self.is(1, '!') => {
                    self.source.odd.push((token.line, "code of another file".to_owned()));
                    self.at += 1;
                }
                Some("crate" | "super" | "self" | "obnow") if self.hop(1) && !self.behind_a_hop() => self.path(),
                _ => {
                    self.at += 1;
                    match token.kind {
                        Kind::Mark('{') => self.depth += 1,
                        Kind::Mark('}') => self.close(),
                        // An attribute of a visibility (`pub(crate)`) goes on.
                        _ if token.word() == Some("pub") || token.is('(') || token.is(')') => continue,
                        _ => {}
                    }
                }
            }
            for_tests = false;
            own_path = None;
        }
    }

    /// `a::crate` is no path of the house; `::obnow` is.
    fn behind_a_hop(&self) -> bool {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.tokens.get(at));
        before(1).is_some_and(|token| token.kind == Kind::Hop) && before(2).is_some_and(|token| token.word().is_some())
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.open.last().is_some_and(|(depth, _)| *depth == self.depth) {
            self.open.pop();
            self.module.pop();
        }
    }

    /// Takes `#[...]` and gives its words.
    fn attribute(&mut self) -> String {
        let mut words = Vec::new();
        self.at += 1;
        if self.is(0, '!') {
            self.at += 1;
        }
        let mut depth = 0_usize;
        while let Some(token) = self.peek(0).cloned() {
            self.at += 1;
            match &token.kind {
                Kind::Mark('[') => depth += 1,
                Kind::Mark(']') => depth -= 1,
                Kind::Mark(mark) => words.push(mark.to_string()),
                Kind::Word(word) => words.push(word.clone()),
                Kind::Hop | Kind::Text(_) => {}
            }
            if depth == 0 {
                break;
            }
        }
        words.join(" ")
    }

    /// A path in an expression or a type.
    fn path(&mut self) {
        let line = self.tokens[self.at].line;
        let mut words = Vec::new();
        while let Some(word) = self.word(0).map(str::to_owned) {
            words.push(word);
            self.at += 1;
            if !self.hop(0) {
                break;
            }
            self.at += 1;
        }
        self.used(&words, line);
    }

    /// A tree of `use`, behind these words.
    fn tree(&mut self, words: &mut Vec<String>) {
        let start = words.len();
        while let Some(token) = self.peek(0).cloned() {
            self.at += 1;
            match &token.kind {
                Kind::Hop => {}
                Kind::Word(word) if word == "as" => {
                    self.at += 1;
                    self.used(words, token.line);
                    break;
                }
                Kind::Word(word) => {
                    words.push(word.clone());
                    if !self.hop(0) && self.word(0) != Some("as") {
                        self.used(words, token.line);
                        break;
                    }
                }
                Kind::Mark('*') => {
                    words.push("*".to_owned());
                    self.used(words, token.line);
                    break;
                }
                Kind::Mark('{') => {
                    while !self.is(0, '}') && self.peek(0).is_some() {
                        self.tree(words);
                        if self.is(0, ',') {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    break;
                }
                Kind::Mark(_) | Kind::Text(_) => break,
            }
        }
        words.truncate(start);
    }

    fn used(&mut self, words: &[String], line: usize) {
        let mut rest = words;
        let mut module = match rest.first().map(String::as_str) {
            // The program's own root has nothing in it but itself; the library is called by its name.
            Some("crate") if self.module.first().is_some_and(|part| part == "main") => vec!["main".to_owned()],
            Some("crate" | "obnow") => Vec::new(),
            Some("self" | "super") => self.module.clone(),
            _ => return,
        };
        if matches!(rest.first().map(String::as_str), Some("crate" | "obnow" | "self")) {
            rest = &rest[1..];
        }
        while rest.first().is_some_and(|word| word == "super") {
            module.pop();
            rest = &rest[1..];
        }
        let rest = rest.iter().filter(|word| *word != "self");
        let whole: Vec<&String> = module.iter().chain(rest).collect();
        let in_tests = self.in_tests();
        match whole.first().filter(|part| **part != "*") {
            Some(part) => self.source.uses.push(Used { part: (*part).clone(), line, in_tests }),
            None => self.source.odd.push((line, "a path takes the whole house".to_owned())),
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let start = at;
        let kind = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                at += chars[at..].iter().take_while(|c| **c != '\n').count();
                None
            }
            '/' if chars.get(at + 1) == Some(&'*') => {
                at = behind_comment(&chars, at);
                None
            }
            '"' => {
                at = behind_text(&chars, at);
                Some(Kind::Text(chars[start + 1..at - 1].iter().collect()))
            }
            '\'' => {
                at = behind_quote(&chars, at);
                None
            }
            c if c.is_alphabetic() || c == '_' => {
                at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                let word: String = chars[start..at].iter().collect();
                match (word.as_str(), chars.get(at)) {
                    ("r" | "br" | "cr", Some('"' | '#')) => raw(&chars, &mut at),
                    // `b"..."` and `b'.'`: the literal comes next.
                    ("b" | "c", Some('"' | '\'')) => None,
                    _ => Some(Kind::Word(word)),
                }
            }
            ':' if chars.get(at + 1) == Some(&':') => {
                at += 2;
                Some(Kind::Hop)
            }
            c => {
                at += 1;
                (!c.is_whitespace()).then_some(Kind::Mark(c))
            }
        };
        found.extend(kind.map(|kind| Token { kind, line }));
        line += chars[start..at].iter().filter(|c| **c == '\n').count();
    }
    found
}

/// `r"..."`, `r#"..."#`, or a raw name `r#word`, behind its `r`.
fn raw(chars: &[char], at: &mut usize) -> Option<Kind> {
    let hashes = chars[*at..].iter().take_while(|c| **c == '#').count();
    let open = *at + hashes;
    if chars.get(open) != Some(&'"') {
        *at = open;
        return None;
    }
    let closes = |from: usize| {
        chars[from] == '"' && chars[from + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes
    };
    let end = (open + 1..chars.len()).find(|from| closes(*from)).unwrap_or(chars.len() - 1);
    *at = (end + 1 + hashes).min(chars.len());
    Some(Kind::Text(chars[open + 1..end].iter().collect()))
}

fn behind_comment(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => {
                depth += 1;
                at += 2;
            }
            ('*', Some('/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    break;
                }
            }
            _ => at += 1,
        }
    }
    at
}

fn behind_text(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    (at + 1).min(chars.len())
}

/// A character, or the mark of a lifetime, whose name then comes as a word.
fn behind_quote(chars: &[char], from: usize) -> usize {
    match (chars.get(from + 1), chars.get(from + 2)) {
        (Some('\\'), _) => {
            // The escaped character itself may be a quote.
            let end = chars.get(from + 3..).and_then(|rest| rest.iter().position(|c| *c == '\''));
            end.map_or(chars.len(), |end| from + 3 + end + 1)
        }
        (Some(_), Some('\'')) => from + 3,
        _ => from + 1,
    }
}
