//! The attributes of an expression, whatever kind it is.

use syn::{Attribute, Expr};

macro_rules! attributes_of {
    ($($variant:ident)*) => {
        /// The list of attributes, if the expression can have any.
        pub fn of(expr: &mut Expr) -> Option<&mut Vec<Attribute>> {
            match expr {
                $(Expr::$variant(expr) => Some(&mut expr.attrs),)*
                _ => None,
            }
        }

        /// The attributes, to look at.
        pub fn on(expr: &Expr) -> &[Attribute] {
            match expr {
                $(Expr::$variant(expr) => &expr.attrs,)*
                _ => &[],
            }
        }
    };
}

attributes_of! {
    Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop
    Group If Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr Reference
    Repeat Return Struct Try TryBlock Tuple Unary Unsafe While Yield
}

/// The expression without parentheses and invisible groups around it.
pub fn bare(mut expr: &Expr) -> &Expr {
    loop {
        expr = match expr {
            Expr::Group(group) => &group.expr,
            Expr::Paren(paren) => &paren.expr,
            expr => return expr,
        };
    }
}
