//! `buckets = …`: the bounds of a histogram, in seconds.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprArray, ExprPath, Lit, Path, UnOp};

use crate::mistakes::Mistakes;

/// Bounds that are known to be right, or that the compiler will check.
pub enum Buckets {
    Numbers(Vec<f64>),
    /// A `const` somewhere else. The runtime's `buckets` checks it, at compile time, too.
    Const(Path),
}

impl Buckets {
    /// An array of numbers or the path of a const.
    pub fn read(value: TokenStream, mistakes: &mut Mistakes) -> Option<Self> {
        match syn::parse2(value.clone()).map(ungrouped) {
            Ok(Expr::Array(array)) if array.attrs.is_empty() => {
                numbers(&array, mistakes).map(Self::Numbers)
            }
            Ok(Expr::Path(ExprPath { attrs, qself: None, path })) if attrs.is_empty() => {
                Some(Self::Const(path))
            }
            _ => {
                mistakes.add(
                    value,
                    "buckets are bounds in seconds: write them as in `buckets = [0.005, 0.05, \
                     0.5]`, or name one const for all of them",
                );
                None
            }
        }
    }

    /// `.buckets(…)`, to be called on a `Site`.
    pub fn call(&self, runtime: &TokenStream) -> TokenStream {
        match self {
            Self::Numbers(bounds) => quote!(.buckets(&[#(#bounds),*])),
            Self::Const(path) => {
                // All of the checking call stands at the path's place: there the compiler says
                // what is wrong with the const.
                let place = path.span();
                let runtime = runtime.clone().into_iter().map(|mut token| {
                    token.set_span(token.span().located_at(place));
                    token
                });
                let span = Span::mixed_site().located_at(place);
                let checked = quote_spanned!(span=> #(#runtime)*::__private::buckets(&#path));
                quote!(.buckets(#checked))
            }
        }
    }
}

fn numbers(array: &ExprArray, mistakes: &mut Mistakes) -> Option<Vec<f64>> {
    if array.elems.is_empty() {
        mistakes.add(
            array,
            "a histogram needs at least one bound: write some, or leave `buckets` out for the \
             default ones",
        );
        return None;
    }
    let mut bounds: Vec<f64> = Vec::new();
    let mut right = true;
    for element in &array.elems {
        match bound(element, bounds.last().copied()) {
            Ok(bound) => bounds.push(bound),
            Err(why) => {
                mistakes.add(element, why);
                right = false;
            }
        }
    }
    right.then_some(bounds)
}

/// The number that an element is, if it may stand after `before`.
fn bound(element: &Expr, before: Option<f64>) -> Result<f64, String> {
    let written = element.to_token_stream().to_string().replace(' ', "");
    let bound = number(element).ok_or_else(|| {
        format!("`{written}` is no number: write bounds in seconds, or one const for all of them")
    })?;
    if !bound.is_finite() {
        return Err(format!(
            "a bound is a finite number of seconds, and {written} is not; the `+Inf` bucket is \
             always there"
        ));
    }
    if bound <= 0.0 {
        return Err(format!("a bound is more than 0 seconds, and {written} is not"));
    }
    match before {
        Some(before) if bound == before => Err(format!("the bound {written} stands here twice")),
        Some(before) if bound < before => {
            Err(format!("bounds go up, and {written} comes after {before}"))
        }
        _ => Ok(bound),
    }
}

/// What a macro has passed on as one expression.
fn ungrouped(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => ungrouped(*group.expr),
        other => other,
    }
}

/// A literal, or one of the constants of `f64` that stand for no number.
fn number(element: &Expr) -> Option<f64> {
    match element {
        Expr::Group(group) => number(&group.expr),
        Expr::Lit(literal) if literal.attrs.is_empty() => match &literal.lit {
            Lit::Float(float) if ["", "f64"].contains(&float.suffix()) => float.base10_parse().ok(),
            Lit::Int(int) if ["", "f64"].contains(&int.suffix()) => {
                int.base10_digits().parse().ok()
            }
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|n| -n),
        Expr::Path(path) => match path.path.segments.last()?.ident.to_string().as_str() {
            "INFINITY" => Some(f64::INFINITY),
            "NEG_INFINITY" => Some(f64::NEG_INFINITY),
            "NAN" => Some(f64::NAN),
            _ => None,
        },
        _ => None,
    }
}
