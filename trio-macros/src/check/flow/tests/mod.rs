//! Tables of bodies and what is found in them.

mod loops;
mod paths;
mod scopes;

use proc_macro2::TokenStream;

use crate::item::{Body, Item};
use crate::levels::Levels;
use crate::options::{Kind, Options};
use crate::report::Report;
use crate::rules;

/// The rules that following a body looks at, by a short name.
const SHORT: [(&str, &rules::Rule); 5] = [
    ("path", rules::NO_CHECKPOINT_ON_PATH),
    ("endless", rules::ENDLESS_LOOP_NO_CHECKPOINT),
    ("maybe", rules::LOOP_MAYBE_NO_CHECKPOINT),
    ("scope", rules::SCOPE_WITHOUT_CHECKPOINT),
    ("unsure", rules::SCOPE_NO_GUARANTEED_CHECKPOINT),
];

/// What is found in the body of a function with these options, errors first.
fn found(options: &str, body: &str) -> Vec<&'static str> {
    let tokens: TokenStream = format!("async fn f() {{ {body} }}").parse().expect(body);
    let Item::Function(function) = Item::parse(tokens) else { panic!("{body}") };
    let Body::Parsed(block) = &function.body else { panic!("does not parse: {body}") };
    let mut report = Report::default();
    let options = Options::parse(Kind::Task, options.parse().unwrap(), &mut report);
    let levels = Levels::new(&options.lists, &function.attributes);
    super::function(&function, block, options.strict, &levels, &mut report);
    let named = |text: &str| short(text.rsplit("rule: ").next().unwrap_or_default());
    let errors = report.texts().into_iter().map(named);
    errors.chain(report.warned().into_iter().map(short)).collect()
}

fn short(name: &str) -> &'static str {
    SHORT.iter().find(|(_, rule)| rule.name == name).map(|(short, _)| *short).expect(name)
}

/// Checks a table of expectations, `""` for nothing, and bodies.
fn expect(options: &str, table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (expected, body) in table {
        let found = found(options, body).join(" ");
        if found != *expected {
            wrong.push(format!("expected `{expected}`, found `{found}`: {body}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
