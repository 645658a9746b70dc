//! Bounds of a YAML text, checked before it is parsed: deep nesting or repetition by aliases would occupy the parser for minutes.

/// The deepest nesting of lists and maps. An inventory has six levels.
const DEPTH: usize = 32;
/// The most aliases in a text.
const ALIASES: usize = 16;
/// The longest text that may have aliases, in bytes.
const WITH_ALIASES: usize = 64 << 10;

/// Returns the first bound that is exceeded: the line, from 1, and one sentence without a full stop.
pub(super) fn exceeded_bound(text: &str) -> Option<(usize, String)> {
    let (mut brackets, mut aliases) = (0_usize, 0_usize);
    // The indents of the lines that enclose the present one, and its own.
    let mut indents: Vec<usize> = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let indent = line.len() - content.len();
        while indents.last().is_some_and(|last| *last >= indent) {
            indents.pop();
        }
        indents.push(indent);
        // `- - - x` is a list in a list in a list.
        let items = content.split(' ').take_while(|word| matches!(*word, "-" | "?" | ":")).count();
        let mut before = ' ';
        for c in content.chars() {
            match c {
                '[' | '{' => brackets += 1,
                ']' | '}' => brackets = brackets.saturating_sub(1),
                c if before == '*' && (c.is_alphanumeric() || c == '_') => aliases += 1,
                _ => {}
            }
            if indents.len() + items + brackets > DEPTH {
                return Some((at + 1, format!("lists and maps lie more than {DEPTH} deep in each other")));
            }
            before = c;
        }
        if aliases > ALIASES {
            return Some((
                at + 1,
                format!("there are more than {ALIASES} aliases (*name): write out what they stand for"),
            ));
        }
    }
    let bytes = text.len();
    (aliases > 0 && bytes > WITH_ALIASES).then(|| {
        let why = format!("a text with aliases (*name) may have {WITH_ALIASES} bytes, and this one has {bytes}: write out what they stand for");
        (1, why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_hang_the_parser_is_named_by_its_line() {
        let deep = |text: &str| exceeded_bound(text).map(|(line, why)| (line, why.contains("deep in each other")));
        assert_eq!(deep(&format!("clusters: {}", "[".repeat(100_000))), Some((1, true)));
        assert_eq!(deep(&format!("limits: {{}}\na: {}", "{a: ".repeat(20_000))), Some((2, true)));
        assert_eq!(deep(&"- ".repeat(50_000)), Some((1, true)));
        let steps: Vec<String> = (0..40).map(|level| format!("{}a:", " ".repeat(level))).collect();
        assert_eq!(deep(&steps.join("\n")), Some((33, true)));
        let aliases = format!("a: &x 1\nb: [{}]", vec!["*x"; 17].join(", "));
        assert_eq!(
            exceeded_bound(&aliases).map(|(line, why)| (line, why.contains("more than 16 aliases"))),
            Some((2, true))
        );
        let long = format!("a: &x {}\nb: *x", "y".repeat(70_000));
        assert_eq!(exceeded_bound(&long).map(|(_, why)| why.contains("65536 bytes")), Some(true));
    }

    #[test]
    fn an_ordinary_text_is_within_the_bounds() {
        for text in [
            include_str!("../../assets/config.example.yaml"),
            "a: [1, {b: [2]}]\n# [[[[[[\nc: \"x * y\"\nd: *e\n",
            &"- {name: a, endpoints: [\"h:1\"], password: {command: \"a && b * c\"}}\n".repeat(1_000),
        ] {
            assert_eq!(exceeded_bound(text), None, "{text}");
        }
    }
}
