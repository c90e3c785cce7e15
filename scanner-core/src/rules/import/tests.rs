use super::*;
use crate::rules::{Plan, Rule, RuleSet, SecretGroup};

fn convert(format: ImportFormat, text: &str) -> Imported {
    let files = [("in".to_owned(), text.to_owned())];
    import(format, &files).unwrap_or_else(|e| panic!("{e}"))
}

/// What the loader makes of the result.
fn rules(imported: &Imported) -> Vec<Rule> {
    let loaded = RuleSet::parse(&imported.text, "out").unwrap_or_else(|e| panic!("{e}"));
    loaded.rules.rules().to_vec()
}

fn notes(imported: &Imported) -> String {
    let notes = imported.notes.iter().map(ToString::to_string);
    notes.collect::<Vec<_>>().join("\n")
}

fn matches(rule: &Rule, text: &str) -> bool {
    regex_automata::meta::Regex::builder()
        .syntax(
            regex_automata::util::syntax::Config::new()
                .unicode(rule.unicode)
                .utf8(false),
        )
        .build(&rule.regex)
        .expect("the loader took it")
        .is_match(text)
}

#[test]
fn nosey_parker_rules_keep_their_meaning() {
    let imported = convert(
        ImportFormat::NoseyParker,
        r#"
rules:
- name: Acme API Key
  id: np.acme.1
  pattern: |
    (?x)(?i)
    \b
    ( acme_ [a-z0-9]{16} )   # the key
    \b
  references: ["https://acme.example/docs"]
  categories: [api, secret]
  examples:
  - 'key: acme_0123456789abcdef'
  negative_examples: ['acme_{{x}}']
  wizardry: yes
- name: Behind a name
  id: np.acme.2
  pattern: '(?<=key=)[a-z]{20}'
- name: Any length
  id: np.acme.1
  pattern: "acmelong_([a-z]+)[[:^space:]&&[^x]]"
- name: No pattern
  id: np.none.1
"#,
    );
    let rules = rules(&imported);
    assert_eq!(imported.rules, 2);
    assert_eq!(imported.left_out, 2);
    let acme = &rules[0];
    assert_eq!(acme.info.id, "np.acme.1");
    assert_eq!(acme.info.description, "Acme API Key");
    assert_eq!(acme.info.tags, ["api", "secret"]);
    assert!(matches(acme, "ACME_0123456789ABCDEF") && !matches(acme, "acme_0123"));
    // The same id again gets another, and a class of Rust's syntax its own meaning.
    let long = &rules[1];
    assert_eq!(long.info.id, "np.acme.1-2");
    assert!(matches(long, "acmelong_aay") && !matches(long, "acmelong_ax"));
    assert!(matches!(
        long.plan,
        Plan::Literals {
            max_match_bytes: 8192,
            ..
        }
    ));
    let notes = notes(&imported);
    for says in [
        "in:3: rule \"np.acme.1\": key \"wizardry\" is not known",
        "in:16: rule \"np.acme.2\": look-around",
        "put the secret into a group",
        "rule \"np.acme.1-2\": its expression has no longest match",
        "in:22: rule \"np.none.1\": it has no pattern",
    ] {
        assert!(notes.contains(says), "{says}: {notes}");
    }
    assert!(
        imported.text.contains("# Left out: rule \"np.acme.2\""),
        "{}",
        imported.text
    );
    // Split where the rule finds something, and braces mean themselves.
    assert!(
        !imported.text.contains("acme_0123456789abcdef"),
        "{}",
        imported.text
    );
    assert!(
        imported.text.contains("acme_{{open}}x}}"),
        "{}",
        imported.text
    );
}

#[test]
fn kingfisher_adds_entropy_confidence_requirements_and_a_named_secret() {
    let imported = convert(
        ImportFormat::Kingfisher,
        r"
rules:
  - name: Acme token
    id: kingfisher.acme.1
    pattern: '(?i)(acme|apex)[ =]{1,3}(?P<TOKEN>[a-z0-9]{24})'
    min_entropy: 3.3
    confidence: high
    prevalidated: true
    pattern_requirements:
      min_digits: 2
      ignore_if_contains: [Example, test]
      checksum: {actual: x}
    validation:
      type: Http
    depends_on_rule:
      - rule_id: kingfisher.acme.2
        variable: ID
  - name: Acme id
    id: kingfisher.acme.2
    pattern: 'acmeid-([0-9]{8})'
    visible: false
",
    );
    let rules = rules(&imported);
    assert_eq!(rules.len(), 1);
    let acme = &rules[0];
    assert!((acme.entropy - 3.3).abs() < 1e-9);
    assert_eq!(acme.info.confidence, Confidence::High);
    assert_eq!(acme.secret_group, SecretGroup::Group(2));
    assert_eq!(acme.allowlists.len(), 2);
    let fewer = &acme.allowlists[0].regexes[0];
    let drops = |secret: &str| {
        regex_automata::meta::Regex::new(fewer)
            .expect("valid")
            .is_match(secret)
    };
    assert!(drops("abc") && drops("abc1") && !drops("a1b2") && !drops("123"));
    assert_eq!(acme.allowlists[1].stopwords, ["example", "test"]);
    let notes = notes(&imported);
    for says in [
        "pattern_requirements.checksum is not carried",
        "validation is not carried",
        "depends_on_rule is not carried",
        "rule \"kingfisher.acme.2\": visible is false",
    ] {
        assert!(notes.contains(says), "{says}: {notes}");
    }
}

#[test]
fn bitbucket_rules_are_tried_on_lines() {
    let imported = convert(
        ImportFormat::Bitbucket,
        r#"{"size": 5, "isLastPage": false, "values": [
            {"id": 7, "name": "Acme Key", "lineRegex": ".*(acme_[^\"]{8,20}).*",
             "scope": {"type": "PROJECT", "resourceId": 3}},
            {"id": 8, "name": "Anchored", "lineRegex": "^token: [a-f0-9]{16}$", "pathRegex": ".*\\.env"},
            {"id": 9, "name": "By name", "pathRegex": "id_rsa"},
            {"id": 10, "name": "Glob", "lineRegex": "abcd[0-9]{8}", "pathRegex": "*.pem"},
            {"id": 11, "name": "Anything", "lineRegex": ".*"}]}"#,
    );
    let rules = rules(&imported);
    assert_eq!(imported.left_out, 3);
    let acme = &rules[0];
    assert_eq!(acme.info.id, "acme-key");
    assert!(matches(acme, "x acme_12345678 y"));
    assert!(!matches(acme, "acme_1234\n5678"), "{}", acme.regex);
    let anchored = &rules[1];
    assert!(matches(anchored, "a\ntoken: 0123456789abcdef\nb"));
    assert!(!matches(anchored, "a token: 0123456789abcdef"));
    let path = anchored.path.as_deref().expect("it has one");
    assert!(path.contains(r"\.env") && !path.contains('*'), "{path}");
    let notes = notes(&imported);
    for says in [
        "not the last page",
        "scope (project) is not carried",
        "\"By name\": it has no lineRegex",
        "\"Glob\": pathRegex:",
        "\"Anything\": lineRegex: it matches lines whatever they hold",
        "\"anchored\": it is found anywhere in a line",
    ] {
        assert!(notes.contains(says), "{says}: {notes}");
    }
}

#[test]
fn files_of_another_kind_are_refused_without_quoting_them() {
    let deep = "[".repeat(100);
    for (format, text, says) in [
        (
            ImportFormat::NoseyParker,
            "rulesets: []",
            "no list under the key \"rules\"",
        ),
        (ImportFormat::NoseyParker, "a: [hunter2", "not valid YAML"),
        (
            ImportFormat::NoseyParker,
            "rules: &a\n- name: *a",
            "aliases",
        ),
        (ImportFormat::Kingfisher, deep.as_str(), "nests deeper"),
        (
            ImportFormat::Bitbucket,
            "{\"name\": hunter2}",
            "not valid JSON",
        ),
        (ImportFormat::Bitbucket, "[]", "holds no rule"),
    ] {
        let files = [("in".to_owned(), text.to_owned())];
        let error = import(format, &files).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn what_is_written_is_read_back_as_it_was() {
    for text in [
        "", "a", "it's", "'''", "a\nb", "\n'x'", "tab\t'", "\u{1}", "x'",
    ] {
        let file = format!("x = {}", write::string(text));
        let table: toml::Table = toml::from_str(&file).unwrap_or_else(|e| panic!("{file}: {e}"));
        assert_eq!(table["x"].as_str(), Some(text), "{file}");
    }
}

/// An expression of a few parts, some of which would cross lines if they could.
fn expression() -> impl proptest::strategy::Strategy<Value = String> {
    use proptest::prelude::*;
    let part = prop::sample::select(vec![
        "a",
        "b",
        r"\s",
        r"\W",
        "[^a]",
        "[^b]{1,3}",
        "x+",
        r"(a|\n)",
        "(?:ab)?",
        r"\b",
        "^",
        "$",
        "[^a]*?",
    ]);
    prop::collection::vec(part, 1..6).prop_map(|parts| parts.concat())
}

proptest::proptest! {
    /// Whole lines under Bitbucket, anywhere in the text here.
    #[test]
    fn a_line_expression_matches_the_texts_of_which_it_matches_a_line(
        inner in expression(),
        text in "[ab x\n]{0,24}",
    ) {
        use proptest::prelude::*;
        let compile = |source: &str| {
            regex_automata::meta::Regex::builder()
                .syntax(regex_automata::util::syntax::Config::new().unicode(false).utf8(false))
                .configure(regex_automata::meta::Config::new().utf8_empty(false))
                .build(source)
                .expect("it parsed before")
        };
        let original = format!(".*(?:{inner}).*");
        let Ok((pattern, was_open)) = pattern::Pattern::of_re2_line(&original) else {
            // It matches every line, or none.
            return Ok(());
        };
        prop_assert!(was_open);
        let whole = compile(&format!(r"\A(?:{original})\z"));
        let converted = compile(&pattern.source);
        let expected = text.split('\n').any(|line| whole.is_match(line));
        prop_assert_eq!(converted.is_match(&text), expected, "{} as {}", original, pattern.source);
    }
}
