//! Reads a function under the attribute.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, ReturnType, Signature, Token, Visibility};

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

impl Handler {
    /// The attribute whose path ends in `name`.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| is_named(attribute, name))
    }

    /// Whether actix-web could call this: it is async, and takes nothing but extractors.
    pub fn is_handler(&self) -> bool {
        self.signature.asyncness.is_some()
            && self.signature.receiver().is_none()
            && matches!(self.signature.output, ReturnType::Type(..))
    }

    /// Whether the function names one of these: it can then be no function within a function.
    pub fn mentions(&self, names: &[Ident]) -> bool {
        let mut tokens = self.signature.to_token_stream();
        if let Body::Braces(body) = &self.body {
            tokens.append(body.clone());
        }
        mentions(tokens, names)
    }
}

impl ToTokens for Handler {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attributes);
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        match &self.body {
            Body::Braces(body) => body.to_tokens(tokens),
            Body::Missing(semicolon) => semicolon.to_tokens(tokens),
        }
    }
}

pub fn is_named(attribute: &Attribute, name: &str) -> bool {
    attribute.path().segments.last().is_some_and(|segment| segment.ident == name)
}

fn mentions(tokens: TokenStream, names: &[Ident]) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => names.contains(&ident),
        TokenTree::Group(group) => mentions(group.stream(), names),
        _ => false,
    })
}
