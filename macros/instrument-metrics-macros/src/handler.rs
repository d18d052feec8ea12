//! Reads a function under the attribute.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt};
use syn::parse::{Parse, ParseStream};
use syn::{Attribute, Meta, ReturnType, Signature, Token, Visibility};

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

    /// Whether it has a doc comment; `#[doc(hidden)]` and the like are none.
    pub fn is_documented(&self) -> bool {
        let is_comment = |attribute: &&Attribute| matches!(attribute.meta, Meta::NameValue(_));
        self.attributes.iter().filter(is_comment).any(|attribute| is_named(attribute, "doc"))
    }

    /// Whether actix-web could call this: it is async, and takes nothing but extractors.
    pub fn is_handler(&self) -> bool {
        self.signature.asyncness.is_some()
            && self.signature.receiver().is_none()
            && matches!(self.signature.output, ReturnType::Type(..))
    }

    /// Whether the function names `Self`: it can then be no function within a function.
    pub fn mentions_self(&self) -> bool {
        let body = match &self.body {
            Body::Braces(body) => without_items(body.to_token_stream()),
            Body::Missing(_) => TokenStream::new(),
        };
        mentions_self(self.signature.to_token_stream()) || mentions_self(body)
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

fn mentions_self(tokens: TokenStream) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "Self",
        TokenTree::Group(group) => mentions_self(group.stream()),
        _ => false,
    })
}

/// A body without the items in it: they have a `Self` of their own.
fn without_items(body: TokenStream) -> TokenStream {
    let mut outside = TokenStream::new();
    let mut tokens = body.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(word) if begins_an_item(&word, tokens.peek()) => {
                tokens.by_ref().find(ends_an_item);
            }
            TokenTree::Group(group) => {
                outside.append(Group::new(group.delimiter(), without_items(group.stream())));
            }
            other => outside.append(other),
        }
    }
    outside
}

fn begins_an_item(word: &Ident, next: Option<&TokenTree>) -> bool {
    let is_named = matches!(next, Some(TokenTree::Ident(_)));
    // `union` is a word like any other, but before a name.
    ["enum", "struct", "trait", "union"].iter().any(|item| word == item) && is_named
        || word == "impl"
}

fn ends_an_item(token: &TokenTree) -> bool {
    match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    }
}
