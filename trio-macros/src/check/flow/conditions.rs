//! Conditions: they go on in two ways, and what is evaluated on the one may not be on the other.

use syn::{BinOp, Expr, ExprBinary, Lit, UnOp};

use super::Flow;
use super::lattice::State;

impl Flow<'_> {
    /// Follows a condition. The current place is where it holds; the state of the other is given.
    ///
    /// ```text
    ///            holds        does not
    ///   a && b   b holds      a does not, or b does not
    ///   a || b   a or b does  b does not
    ///   !a       a does not   a holds
    ///   let …    both after the value: which it is, is not known
    /// ```
    pub fn condition(&mut self, expr: &Expr) -> State {
        match expr {
            Expr::Paren(it) => self.condition(&it.expr),
            Expr::Group(it) => self.condition(&it.expr),
            Expr::Unary(it) if matches!(it.op, UnOp::Not(_)) => {
                let otherwise = self.condition(&it.expr);
                std::mem::replace(&mut self.body.state, otherwise)
            }
            Expr::Binary(ExprBinary { left, op: BinOp::And(_), right, .. }) => {
                let mut otherwise = self.condition(left);
                otherwise.join(&self.condition(right));
                otherwise
            }
            Expr::Binary(ExprBinary { left, op: BinOp::Or(_), right, .. }) => {
                let otherwise = self.condition(left);
                let holds = std::mem::replace(&mut self.body.state, otherwise);
                let otherwise = self.condition(right);
                self.body.state.join(&holds);
                otherwise
            }
            Expr::Lit(it) => match &it.lit {
                Lit::Bool(bool) if bool.value => self.body.state.unreached(),
                Lit::Bool(_) => {
                    let never = self.body.state.unreached();
                    std::mem::replace(&mut self.body.state, never)
                }
                _ => self.body.state.clone(),
            },
            Expr::Let(it) => {
                self.expr(&it.expr);
                self.body.state.clone()
            }
            _ => {
                self.expr(expr);
                self.body.state.clone()
            }
        }
    }
}
