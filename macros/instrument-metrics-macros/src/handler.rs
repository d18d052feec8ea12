//! Reads the item under the attribute.

use proc_macro2::TokenTree;
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Signature, Token, Visibility};

/// A function as it was written, its body unread.
pub struct Handler {
    pub attributes: Vec<Attribute>,
    pub visibility: Visibility,
    pub signature: Signature,
    pub body: Body,
}

pub enum Body {
    /// The braces and what is in them, as raw tokens: a half-typed body still expands, and its
    /// mistakes are reported by the compiler where they stand.
    Braces(TokenTree),
    /// `;`, as in a trait.
    Missing(Token![;]),
}

impl Parse for Handler {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: if input.peek(Token![;]) {
                Body::Missing(input.parse()?)
            } else if input.peek(syn::token::Brace) {
                Body::Braces(input.parse()?)
            } else {
                return Err(input.error("expected the function's body in `{ … }`"));
            },
        })
    }
}
