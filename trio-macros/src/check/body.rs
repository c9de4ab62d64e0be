//! The walk through a body, for the rules that look at one expression at a time.

use syn::visit::{self, Visit};
use syn::{Arm, Attribute, Block, Expr, FieldValue, Item, Local, Macro, Stmt, StmtMacro, Type};

use super::{awaits, blocking, nurseries, parameters, sleeping};
use crate::attributes::{self, bare};
use crate::levels::{self, Levels};
use crate::macro_arguments::{Arguments, is_named};
use crate::nursery::{Nursery, is_nursery};
use crate::report::Report;
use crate::rules;

/// Walks through the body of a function.
pub fn walk(block: &Block, levels: &Levels, report: &mut Report) {
    let levels = levels.clone();
    Walk { levels, report, in_closure: false, elsewhere: false, awaited: false }.visit_block(block);
}

struct Walk<'a> {
    levels: Levels,
    report: &'a mut Report,
    /// Inside a plain closure, which is not part of the task.
    in_closure: bool,
    /// Inside a closure that runs in another thread.
    elsewhere: bool,
    /// The next expression is what is awaited.
    awaited: bool,
}

impl Walk<'_> {
    /// Asks the rules about one expression.
    fn ask(&mut self, expr: &Expr, awaited: bool) {
        if !self.in_closure {
            sleeping::check(expr, &self.levels, self.report);
        }
        if !self.elsewhere && !awaited {
            blocking::call(expr, &self.levels, self.report);
        }
    }

    /// The same walk, for what is parsed out of a macro and lives shorter than the function.
    fn apart(&mut self) -> Walk<'_> {
        Walk { levels: self.levels.clone(), report: self.report, ..*self }
    }

    fn within(&mut self, attributes: &[Attribute], walk: impl FnOnce(&mut Self)) {
        levels::check(attributes, self.report);
        self.levels.enter(attributes);
        walk(self);
        self.levels.leave();
    }

    /// Walks through the parts of an expression.
    fn parts(&mut self, expr: &Expr, awaited: bool) {
        match expr {
            Expr::Await(expr) => {
                self.awaited = true;
                self.visit_expr(&expr.base);
            }
            // What is awaited at the end of a chain is not blocking at its beginning.
            Expr::MethodCall(call) if awaited => {
                self.awaited = true;
                self.visit_expr(&call.receiver);
                call.args.iter().for_each(|argument| self.visit_expr(argument));
            }
            Expr::Paren(_) | Expr::Group(_) => {
                self.awaited = awaited;
                visit::visit_expr(self, expr);
            }
            Expr::Call(call) if blocking::runs_elsewhere(expr) => {
                self.arguments_elsewhere(call.args.iter());
            }
            Expr::MethodCall(call) if blocking::runs_elsewhere(expr) => {
                self.visit_expr(&call.receiver);
                self.arguments_elsewhere(call.args.iter());
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    fn arguments_elsewhere<'e>(&mut self, arguments: impl Iterator<Item = &'e Expr>) {
        let outside = self.elsewhere;
        for argument in arguments {
            self.elsewhere = outside || matches!(bare(argument), Expr::Closure(_));
            self.visit_expr(argument);
        }
        self.elsewhere = outside;
    }
}

impl Visit<'_> for Walk<'_> {
    fn visit_expr(&mut self, expr: &Expr) {
        let awaited = std::mem::take(&mut self.awaited);
        self.within(attributes::on(expr), |walk| {
            walk.ask(expr, awaited);
            let outside = walk.in_closure;
            walk.in_closure |=
                matches!(expr, Expr::Closure(closure) if closure.asyncness.is_none());
            walk.parts(expr, awaited);
            walk.in_closure = outside;
        });
    }

    fn visit_stmt(&mut self, stmt: &Stmt) {
        if !self.in_closure {
            awaits::unawaited_block(stmt, &self.levels, self.report);
        }
        visit::visit_stmt(self, stmt);
    }

    fn visit_local(&mut self, local: &Local) {
        self.within(&local.attrs, |walk| visit::visit_local(walk, local));
    }

    fn visit_stmt_macro(&mut self, stmt: &StmtMacro) {
        self.within(&stmt.attrs, |walk| walk.visit_macro(&stmt.mac));
    }

    fn visit_macro(&mut self, mac: &Macro) {
        if is_nursery(mac) {
            // What is wrong with the form is said when it is expanded.
            if let Ok(nursery) = Nursery::parse(mac) {
                nurseries::check(mac, &nursery, &self.levels, self.report);
                self.apart().visit_block(&nursery.body);
            }
            return;
        }
        if is_named(mac, "select") || is_named(mac, "select_biased") {
            let name = mac.path.segments.last().map(|last| &last.ident);
            self.report.rule(&self.levels, rules::RAW_SELECT, &name, &[]);
        }
        for argument in &Arguments::parse(mac).expressions {
            self.apart().visit_expr(&argument.expr);
        }
    }

    fn visit_arm(&mut self, arm: &Arm) {
        self.within(&arm.attrs, |walk| visit::visit_arm(walk, arm));
    }

    fn visit_field_value(&mut self, field: &FieldValue) {
        self.within(&field.attrs, |walk| visit::visit_field_value(walk, field));
    }

    fn visit_item(&mut self, item: &Item) {
        let attributes = match item {
            Item::Fn(function) => function.attrs.as_slice(),
            Item::Impl(block) => block.attrs.as_slice(),
            _ => &[],
        };
        self.within(attributes, |walk| {
            parameters::inner_functions(item, &mut walk.levels, walk.report);
        });
    }

    fn visit_type(&mut self, _: &Type) {}
}
