//! Reads out of expanded tokens what was found.

use proc_macro2::{TokenStream, TokenTree};

/// What the macros said about one item.
#[derive(Debug, Default)]
pub struct Findings {
    pub errors: Vec<String>,
    pub warnings: Vec<String>,
}

impl Findings {
    pub fn of(expanded: &TokenStream) -> Self {
        let mut findings = Self::default();
        findings.read(expanded);
        findings
    }

    fn read(&mut self, tokens: &TokenStream) {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Group(group) => self.read(&group.stream()),
                TokenTree::Ident(name) if name == "compile_error" => {
                    if let Some(TokenTree::Group(text)) = tokens.get(index + 2) {
                        self.errors.extend(error(text.stream()));
                    }
                }
                // `lint::busy_wait`, after two more such steps.
                TokenTree::Ident(name) if name == "lint" => {
                    if let Some(TokenTree::Ident(rule)) = tokens.get(index + 3) {
                        self.warnings.push(rule.to_string());
                    }
                }
                _ => {}
            }
        }
    }
}

/// The rule of an error of ours. Errors of other macros have no help line.
fn error(text: TokenStream) -> Option<String> {
    let text = syn::parse2::<syn::LitStr>(text).ok()?.value();
    let (_, help) = text.split_once("\nhelp: ")?;
    help.rsplit_once("\nrule: ").map(|(_, rule)| rule.to_owned())
}
