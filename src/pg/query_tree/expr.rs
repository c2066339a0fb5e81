//! Expressions of a query tree.

use std::collections::BTreeSet;

use pgrx::pg_sys;
use pgrx::pg_sys::NodeTag;

use super::{below, members, set_members, string, Query};

/// An expression, or a part of one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Expr(pub(super) *mut pg_sys::Node);

/// A column: relation (its index in the range table), number of the column, how many queries further out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Var {
    pub rel: i32,
    pub column: i16,
    pub up: u32,
}

pub struct Constant {
    /// None: null.
    pub text: Option<String>,
}

pub enum Kind {
    Var(Var),
    Constant(Constant),
    /// An operator by its name, such as `=`.
    Operator(String),
    /// A function by schema-free name; `builtin` where it is one of Postgres's own.
    Function {
        name: String,
        builtin: bool,
    },
    /// A cast by the text of the value.
    Cast,
    /// A relabelling without any effect on the value.
    Relabel,
    Coalesce,
    Aggregate {
        name: String,
        star: bool,
        distinct: bool,
    },
    Window,
    SubQuery,
    Other,
}

impl Expr {
    pub fn kind(self) -> Kind {
        let node = self.0;
        // SAFETY: each pointer is cast to the type that the node's tag tells.
        unsafe {
            match (*node).type_ {
                NodeTag::T_Var => {
                    let var = &*node.cast::<pg_sys::Var>();
                    Kind::Var(Var { rel: var.varno, column: var.varattno, up: var.varlevelsup })
                }
                NodeTag::T_Const => Kind::Constant(constant(&*node.cast())),
                NodeTag::T_OpExpr => Kind::Operator(string(pg_sys::get_opname((*node.cast::<pg_sys::OpExpr>()).opno))),
                NodeTag::T_ScalarArrayOpExpr => {
                    Kind::Operator(string(pg_sys::get_opname((*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno)))
                }
                NodeTag::T_FuncExpr => {
                    let function = (*node.cast::<pg_sys::FuncExpr>()).funcid;
                    let builtin = function.to_u32() < pg_sys::FirstNormalObjectId;
                    Kind::Function { name: string(pg_sys::get_func_name(function)), builtin }
                }
                NodeTag::T_CoerceViaIO => Kind::Cast,
                NodeTag::T_RelabelType | NodeTag::T_CollateExpr => Kind::Relabel,
                NodeTag::T_CoalesceExpr => Kind::Coalesce,
                NodeTag::T_Aggref => {
                    let aggregate = &*node.cast::<pg_sys::Aggref>();
                    Kind::Aggregate {
                        name: string(pg_sys::get_func_name(aggregate.aggfnoid)),
                        star: aggregate.aggstar,
                        distinct: !aggregate.aggdistinct.is_null(),
                    }
                }
                NodeTag::T_WindowFunc => Kind::Window,
                NodeTag::T_SubLink | NodeTag::T_Query => Kind::SubQuery,
                _ => Kind::Other,
            }
        }
    }

    /// The expressions right below this one, none of them inside a query of its own.
    pub fn children(self) -> Vec<Expr> {
        // SAFETY: the node is one that the walker of expressions knows.
        let nodes = unsafe { below(self.0) };
        // SAFETY: reads the tag of a node.
        nodes.into_iter().filter(|node| unsafe { (**node).type_ } != NodeTag::T_Query).map(Expr).collect()
    }

    /// This one and all below it, outermost first.
    pub fn all(self) -> Vec<Expr> {
        let mut all = vec![self];
        let mut at = 0;
        while at < all.len() {
            all.extend(all[at].children());
            at += 1;
        }
        all
    }

    pub fn ty(self) -> pg_sys::Oid {
        // SAFETY: the node is an expression.
        unsafe { pg_sys::exprType(self.0) }
    }

    pub fn typmod(self) -> i32 {
        // SAFETY: the node is an expression.
        unsafe { pg_sys::exprTypmod(self.0) }
    }

    pub fn collation(self) -> pg_sys::Oid {
        // SAFETY: the node is an expression.
        unsafe { pg_sys::exprCollation(self.0) }
    }

    /// A column of this query, if it is no more than that but for a relabelling.
    pub fn var(self) -> Option<Var> {
        match self.kind() {
            Kind::Var(var) if var.up == 0 => Some(var),
            Kind::Relabel => self.children().first().and_then(|child| child.var()),
            _ => None,
        }
    }

    /// The relations of this query that it reads.
    pub fn relations(self) -> BTreeSet<i32> {
        // SAFETY: walks the node; without place holders no planner state is needed.
        unsafe { set_members(pg_sys::pull_varnos(std::ptr::null_mut(), self.0)) }
    }

    /// The relations whose columns being all null makes this condition fail: Postgres's own proof, the one by which its
    /// planner turns an outer join into an inner one.
    pub fn rejects_null(self) -> BTreeSet<i32> {
        // SAFETY: works on a copy, as it fills in the functions of operators.
        unsafe {
            let copy: *mut pg_sys::Node = pg_sys::copyObjectImpl(self.0.cast()).cast();
            pg_sys::fix_opfuncids(copy);
            set_members(pg_sys::find_nonnullable_rels(copy))
        }
    }

    /// Both sides of `a = b`.
    pub fn equality(self) -> Option<(Expr, Expr)> {
        match self.kind() {
            Kind::Operator(name) if name == "=" => match self.children()[..] {
                // SAFETY: reads the tag of a node.
                [left, right] if unsafe { (*self.0).type_ } == NodeTag::T_OpExpr => Some((left, right)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether it is this column itself, without any relabelling.
    pub fn is_column(self, column: Var) -> bool {
        matches!(self.kind(), Kind::Var(var) if var == column)
    }

    pub fn is_same(self, other: Expr) -> bool {
        // SAFETY: compares two trees.
        unsafe { pg_sys::equal(self.0.cast(), other.0.cast()) }
    }

    /// A column as an expression.
    pub fn of_column(query: Query, var: Var) -> Option<Expr> {
        let relation = query.relation(var.rel)?;
        let at = relation.types.iter().find(|column| column.number == var.column)?;
        // SAFETY: makes a node.
        let node = unsafe { pg_sys::makeVar(var.rel, var.column, at.ty, at.typmod, at.collation, 0) };
        Some(Expr(node.cast()))
    }

    /// COALESCE over this and what may stand in for it, of this expression's type; None where a type does not fit.
    pub fn or(self, others: &[Expr]) -> Option<Expr> {
        let (ty, typmod, collation) = (self.ty(), self.typmod(), self.collation());
        let mut args = vec![self.0];
        for other in others {
            // SAFETY: coerces a copy, which the new tree owns; null where there is no such cast.
            let arg = unsafe {
                pg_sys::coerce_to_target_type(
                    std::ptr::null_mut(),
                    pg_sys::copyObjectImpl(other.0.cast()).cast(),
                    other.ty(),
                    ty,
                    typmod,
                    pg_sys::CoercionContext::COERCION_ASSIGNMENT,
                    pg_sys::CoercionForm::COERCE_EXPLICIT_CAST,
                    -1,
                )
            };
            if arg.is_null() {
                return None;
            }
            args.push(arg);
        }
        // SAFETY: fills a node that was just made.
        unsafe {
            let node: *mut pg_sys::CoalesceExpr = pg_sys::palloc0(size_of::<pg_sys::CoalesceExpr>()).cast();
            (*node).xpr.type_ = NodeTag::T_CoalesceExpr;
            (*node).coalescetype = ty;
            (*node).coalescecollid = collation;
            (*node).args = super::list_of(args);
            (*node).location = -1;
            Some(Expr(node.cast()))
        }
    }
}

unsafe fn constant(constant: &pg_sys::Const) -> Constant {
    if constant.constisnull {
        return Constant { text: None };
    }
    let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
    // SAFETY: the constant's type tells how its value is printed.
    unsafe {
        pg_sys::getTypeOutputInfo(constant.consttype, &mut output, &mut varlena);
        Constant { text: Some(string(pg_sys::OidOutputFunctionCall(output, constant.constvalue))) }
    }
}

/// The conjuncts of a condition.
pub(super) unsafe fn conjuncts(condition: *mut pg_sys::Node) -> Vec<Expr> {
    if condition.is_null() {
        return Vec::new();
    }
    // SAFETY: an AND holds a list of conditions.
    unsafe {
        if (*condition).type_ == NodeTag::T_BoolExpr {
            let both = &*condition.cast::<pg_sys::BoolExpr>();
            if both.boolop == pg_sys::BoolExprType::AND_EXPR {
                return members(both.args).into_iter().flat_map(|part| conjuncts(part)).collect();
            }
        }
    }
    vec![Expr(condition)]
}

pub(super) unsafe fn conjunction(parts: &[Expr]) -> *mut pg_sys::Node {
    match parts {
        [] => std::ptr::null_mut(),
        [one] => one.0,
        // SAFETY: the parts are conditions.
        _ => unsafe { pg_sys::make_andclause(super::list_of(parts.iter().map(|part| part.0))).cast() },
    }
}
