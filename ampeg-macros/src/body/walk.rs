//! The walk itself: the names that each kind of expression binds, and how it uses other names.

use super::{Finding, Misuse, Position, Walker, macros, pattern_position};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Arm, Attribute, BinOp, Block, Expr, ExprBinary, ExprCall, ExprClosure, ExprForLoop, ExprIf,
    ExprMatch, ExprStruct, ExprWhile, Item, Label, Lifetime, Member, Pat, Path, Stmt, StmtMacro,
    Type, UnOp, parse_quote,
};

impl Walker<'_> {
    /// Walks an expression whose value is moved or copied.
    pub(super) fn value(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => {
                if !self.name(expression, Position::Value) {
                    visit_mut::visit_expr_mut(self, expression);
                }
            }
            Expr::Paren(inner) => self.value(&mut inner.expr),
            Expr::Group(inner) => self.value(&mut inner.expr),
            Expr::Macro(_) => {
                if let Some(replacement) = macros::in_expression(self, expression) {
                    *expression = replacement;
                }
            }
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) | Expr::Await(_) => {
                visit_mut::visit_expr_mut(self, expression);
                self.exit(expression);
            }
            _ => visit_mut::visit_expr_mut(self, expression),
        }
    }

    /// Reports an expression that leaves the body or awaits a future. Its operand remains in the body, for editors.
    fn exit(&mut self, expression: &mut Expr) {
        if self.functions > 0 {
            return;
        }
        let (misuse, value) = match expression {
            Expr::Return(returns) => {
                let value = returns.expr.take().map(|value| *value);
                (Misuse::Return(returns.return_token.span), value)
            }
            Expr::Break(leaves) if !self.is_inside(leaves.label.as_ref()) => {
                (Misuse::Break(leaves.break_token.span), None)
            }
            Expr::Continue(leaves) if !self.is_inside(leaves.label.as_ref()) => {
                (Misuse::Continue(leaves.continue_token.span), None)
            }
            Expr::Await(waits) => {
                let value = (*waits.base).clone();
                (Misuse::Await(waits.await_token.span), Some(value))
            }
            _ => return,
        };
        let error = self.leave(Finding::Misuse(misuse));
        *expression = parse_quote!({ #value; #error });
    }

    /// Whether `break` or `continue` with this label leaves or continues a loop or block of the body.
    fn is_inside(&self, label: Option<&Lifetime>) -> bool {
        let mut loops = self.loops.iter();
        match label.map(|label| label.ident.to_string()) {
            None => loops.any(|(_, is_loop)| *is_loop),
            Some(label) => loops.any(|(name, _)| name.as_ref() == Some(&label)),
        }
    }

    /// Walks a loop or block that `break` can leave.
    fn in_breakable(&mut self, label: Option<&Label>, is_loop: bool, walk: impl FnOnce(&mut Self)) {
        let label = label.map(|label| label.name.ident.to_string());
        self.loops.push((label, is_loop));
        walk(self);
        self.loops.pop();
    }

    /// Walks an expression that is borrowed, or of which a part is used.
    pub(super) fn place(&mut self, expression: &mut Expr) {
        self.place_as(expression, Position::Place);
    }

    /// Walks an expression of which a method or a type decides whether it is borrowed or moved.
    fn receiver(&mut self, expression: &mut Expr) {
        self.place_as(expression, Position::Receiver);
    }

    /// Walks an expression that patterns are compared with. The patterns may move something out of it.
    fn compared<'p>(&mut self, expression: &mut Expr, patterns: impl IntoIterator<Item = &'p Pat>) {
        self.part_or(
            expression,
            pattern_position::position(patterns),
            Self::value,
        );
    }

    /// Walks an expression in this position if it is a part of a result, and with `otherwise` if it is not.
    pub(super) fn part_or(
        &mut self,
        expression: &mut Expr,
        position: Position,
        otherwise: fn(&mut Self, &mut Expr),
    ) {
        match expression {
            Expr::Paren(inner) => self.part_or(&mut inner.expr, position, otherwise),
            Expr::Group(inner) => self.part_or(&mut inner.expr, position, otherwise),
            _ => {
                if !self.part(expression, position) {
                    otherwise(self, expression);
                }
            }
        }
    }

    fn place_as(&mut self, expression: &mut Expr, position: Position) {
        match expression {
            Expr::Path(_) | Expr::Field(_) | Expr::Index(_) => {
                if !self.name(expression, position) {
                    visit_mut::visit_expr_mut(self, expression);
                }
            }
            Expr::Paren(inner) => self.place_as(&mut inner.expr, position),
            Expr::Group(inner) => self.place_as(&mut inner.expr, position),
            _ => self.value(expression),
        }
    }

    /// Walks something in a scope of its own.
    pub(super) fn scoped(&mut self, walk: impl FnOnce(&mut Self)) {
        self.locals.enter();
        walk(self);
        self.locals.leave();
    }

    /// Walks something that may run more than once, in a scope of its own.
    fn repeated(&mut self, walk: impl FnOnce(&mut Self)) {
        self.repeated += 1;
        self.scoped(walk);
        self.repeated -= 1;
    }

    /// Walks a closure or async block, which `return` and `?` leave, in a scope of its own.
    fn function(&mut self, walk: impl FnOnce(&mut Self)) {
        self.functions += 1;
        self.repeated(walk);
        self.functions -= 1;
    }

    /// Binds the names of a pattern, then walks its guard.
    pub(super) fn pattern(&mut self, pattern: &mut Pat) {
        self.locals.bind_pattern(pattern);
        if let Pat::Guard(guarded) = pattern {
            self.value(&mut guarded.guard);
        }
    }

    /// Reports the task, index or variable that contains `place`, because the body assigns to `place` or borrows it
    /// mutably.
    fn changed(&mut self, place: &Expr) {
        match place {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident()
                    && let Some(meaning) = self.meaning(name)
                {
                    self.leave(Finding::Misuse(Misuse::Change(name.clone(), meaning)));
                }
            }
            Expr::Field(field) => self.changed(&field.base),
            Expr::Index(index) => self.changed(&index.expr),
            Expr::Paren(inner) => self.changed(&inner.expr),
            Expr::Group(inner) => self.changed(&inner.expr),
            Expr::Tuple(tuple) => tuple.elems.iter().for_each(|place| self.changed(place)),
            Expr::Array(array) => array.elems.iter().for_each(|place| self.changed(place)),
            _ => {}
        }
    }

    fn local(&mut self, local: &mut syn::Local) {
        if let Some(init) = &mut local.init {
            self.compared(&mut init.expr, [&local.pat]);
            if let Some((_, otherwise)) = &mut init.diverge {
                self.value(otherwise);
            }
        }
        self.locals.bind_pattern(&local.pat);
    }
}

impl VisitMut for Walker<'_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        self.value(expression);
    }

    fn visit_expr_field_mut(&mut self, field: &mut syn::ExprField) {
        self.place(&mut field.base);
    }

    fn visit_expr_method_call_mut(&mut self, call: &mut syn::ExprMethodCall) {
        self.receiver(&mut call.receiver);
        call.args
            .iter_mut()
            .for_each(|argument| self.value(argument));
    }

    fn visit_expr_index_mut(&mut self, index: &mut syn::ExprIndex) {
        self.place(&mut index.expr);
        self.value(&mut index.index);
    }

    fn visit_expr_reference_mut(&mut self, reference: &mut syn::ExprReference) {
        if reference.mutability.is_some() {
            self.changed(&reference.expr);
        }
        self.place(&mut reference.expr);
    }

    fn visit_expr_raw_addr_mut(&mut self, reference: &mut syn::ExprRawAddr) {
        self.place(&mut reference.expr);
    }

    fn visit_expr_unary_mut(&mut self, unary: &mut syn::ExprUnary) {
        match unary.op {
            UnOp::Deref(_) => self.receiver(&mut unary.expr),
            _ => self.value(&mut unary.expr),
        }
    }

    fn visit_expr_binary_mut(&mut self, binary: &mut ExprBinary) {
        let compares = matches!(
            binary.op,
            BinOp::Eq(_) | BinOp::Ne(_) | BinOp::Lt(_) | BinOp::Le(_) | BinOp::Gt(_) | BinOp::Ge(_)
        );
        if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
            let (holds, fails) = self.known(&binary.left);
            let conditions = if matches!(binary.op, BinOp::And(_)) {
                holds
            } else {
                fails
            };
            self.value(&mut binary.left);
            self.under(conditions, |walker| walker.value(&mut binary.right));
        } else if compares {
            self.place(&mut binary.left);
            self.place(&mut binary.right);
        } else if assigns(&binary.op) {
            self.changed(&binary.left);
            self.place(&mut binary.left);
            self.value(&mut binary.right);
        } else {
            self.value(&mut binary.left);
            self.value(&mut binary.right);
        }
    }

    fn visit_expr_assign_mut(&mut self, assign: &mut syn::ExprAssign) {
        self.changed(&assign.left);
        self.value(&mut assign.right);
        self.place(&mut assign.left);
    }

    fn visit_expr_call_mut(&mut self, call: &mut ExprCall) {
        // The callee of a call means a function, even if a task or a variable has its name.
        if !matches!(&*call.func, Expr::Path(_)) {
            self.value(&mut call.func);
        }
        call.args
            .iter_mut()
            .for_each(|argument| self.value(argument));
    }

    fn visit_expr_closure_mut(&mut self, closure: &mut ExprClosure) {
        self.function(|walker| {
            closure
                .inputs
                .iter_mut()
                .for_each(|input| walker.pattern(input));
            walker.value(&mut closure.body);
        });
    }

    fn visit_expr_async_mut(&mut self, block: &mut syn::ExprAsync) {
        self.function(|walker| walker.visit_block_mut(&mut block.block));
    }

    fn visit_expr_unsafe_mut(&mut self, block: &mut syn::ExprUnsafe) {
        self.unsafe_blocks += 1;
        self.visit_block_mut(&mut block.block);
        self.unsafe_blocks -= 1;
    }

    fn visit_expr_repeat_mut(&mut self, repeat: &mut syn::ExprRepeat) {
        // The length is a constant, which cannot contain a variable.
        self.value(&mut repeat.expr);
    }

    fn visit_expr_const_mut(&mut self, _: &mut syn::ExprConst) {}

    fn visit_expr_cast_mut(&mut self, cast: &mut syn::ExprCast) {
        self.value(&mut cast.expr);
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.scoped(|walker| {
            walker.locals.bind_items(block);
            block
                .stmts
                .iter_mut()
                .for_each(|statement| walker.visit_stmt_mut(statement));
        });
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Expr(expression, _) => self.value(expression),
            Stmt::Macro(StmtMacro {
                attrs,
                mac,
                semi_token,
            }) => {
                let mac = mac.clone();
                let attrs = attrs.clone();
                let mut expression = Expr::Macro(syn::ExprMacro { attrs, mac });
                let semi = *semi_token;
                match macros::in_expression(self, &mut expression) {
                    Some(replacement) => *statement = Stmt::Expr(replacement, semi),
                    None => {
                        if let (Expr::Macro(new), Stmt::Macro(old)) = (expression, statement) {
                            old.mac = new.mac;
                        }
                    }
                }
            }
            Stmt::Item(_) => {}
        }
    }

    fn visit_expr_if_mut(&mut self, expression: &mut ExprIf) {
        let (holds, fails) = self.known(&expression.cond);
        self.scoped(|walker| {
            walker.value(&mut expression.cond);
            let branch = &mut expression.then_branch;
            walker.under(holds, |walker| walker.visit_block_mut(branch));
        });
        if let Some((_, otherwise)) = &mut expression.else_branch {
            self.under(fails, |walker| walker.value(otherwise));
        }
    }

    fn visit_expr_let_mut(&mut self, condition: &mut syn::ExprLet) {
        self.compared(&mut condition.expr, [&*condition.pat]);
        self.locals.bind_pattern(&condition.pat);
    }

    fn visit_expr_while_mut(&mut self, expression: &mut ExprWhile) {
        let (label, body) = (expression.label.as_ref(), &mut expression.body);
        self.repeated(|walker| {
            walker.value(&mut expression.cond);
            walker.in_breakable(label, true, |walker| walker.visit_block_mut(body));
        });
    }

    fn visit_expr_loop_mut(&mut self, expression: &mut syn::ExprLoop) {
        let (label, body) = (expression.label.as_ref(), &mut expression.body);
        self.repeated(|walker| {
            walker.in_breakable(label, true, |walker| walker.visit_block_mut(body));
        });
    }

    fn visit_expr_block_mut(&mut self, expression: &mut syn::ExprBlock) {
        let (label, block) = (expression.label.as_ref(), &mut expression.block);
        self.in_breakable(label, false, |walker| walker.visit_block_mut(block));
    }

    fn visit_expr_for_loop_mut(&mut self, expression: &mut ExprForLoop) {
        self.value(&mut expression.expr);
        let (label, body) = (expression.label.as_ref(), &mut expression.body);
        self.repeated(|walker| {
            walker.locals.bind_pattern(&expression.pat);
            walker.in_breakable(label, true, |walker| walker.visit_block_mut(body));
        });
    }

    fn visit_expr_match_mut(&mut self, expression: &mut ExprMatch) {
        let patterns = expression.arms.iter().map(|arm| &arm.pat);
        self.compared(&mut expression.expr, patterns);
        expression
            .arms
            .iter_mut()
            .for_each(|arm| self.visit_arm_mut(arm));
    }

    fn visit_arm_mut(&mut self, arm: &mut Arm) {
        self.scoped(|walker| {
            walker.pattern(&mut arm.pat);
            walker.under(Vec::new(), |walker| walker.value(&mut arm.body));
        });
    }

    fn visit_expr_struct_mut(&mut self, expression: &mut ExprStruct) {
        for field in &mut expression.fields {
            if let (None, Member::Named(name)) = (field.colon_token, &field.member)
                && self.meaning(name).is_some()
            {
                // `Point { x }` becomes `Point { x: … }`.
                field.colon_token = Some(syn::Token![:](name.span()));
            }
            self.value(&mut field.expr);
        }
        if let Some(rest) = &mut expression.rest {
            self.part_or(rest, Position::Receiver, Self::value);
        }
    }

    // Types, constants, items and labels contain no variables of the body.
    fn visit_type_mut(&mut self, _: &mut Type) {}
    fn visit_path_mut(&mut self, _: &mut Path) {}
    fn visit_pat_mut(&mut self, _: &mut Pat) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
    fn visit_attribute_mut(&mut self, _: &mut Attribute) {}
    fn visit_label_mut(&mut self, _: &mut Label) {}
}

pub(super) fn assigns(op: &BinOp) -> bool {
    matches!(
        op,
        BinOp::AddAssign(_)
            | BinOp::SubAssign(_)
            | BinOp::MulAssign(_)
            | BinOp::DivAssign(_)
            | BinOp::RemAssign(_)
            | BinOp::BitXorAssign(_)
            | BinOp::BitAndAssign(_)
            | BinOp::BitOrAssign(_)
            | BinOp::ShlAssign(_)
            | BinOp::ShrAssign(_)
    )
}
