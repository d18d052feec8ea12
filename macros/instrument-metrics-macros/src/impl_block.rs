//! Reads an `impl` block under the attribute.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, GenericParam, ImplItem, ItemImpl};

use crate::handler::{Handler, is_named};

/// `impl Users { … }`, the bodies of its functions unread.
pub struct ImplBlock {
    /// The block without its items.
    pub frame: ItemImpl,
    pub items: Vec<Item>,
}

pub enum Item {
    /// An async function that actix-web could call.
    Handler(Box<Handler>),
    /// Anything else, and what `#[skip_metrics]` or an attribute of its own leaves out.
    Other(TokenStream),
}

impl ImplBlock {
    /// The block, if the item is one that can be read.
    pub fn read(item: TokenStream) -> syn::Result<Self> {
        let mut tokens: Vec<_> = item.into_iter().collect();
        let mut items = TokenStream::new();
        if let Some(TokenTree::Group(braces)) = tokens.last_mut()
            && braces.delimiter() == Delimiter::Brace
        {
            items = braces.stream();
            let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
            empty.set_span(braces.span());
            *braces = empty;
        }
        let mut frame: ItemImpl = syn::parse2(tokens.into_iter().collect())?;
        let read = |input: ParseStream| {
            frame.attrs.extend(input.call(Attribute::parse_inner)?);
            let mut items = Vec::new();
            while !input.is_empty() {
                items.push(input.parse()?);
            }
            Ok(items)
        };
        let items = read.parse2(items)?;
        Ok(Self { frame, items })
    }

    /// The block's own parameters, which a function within a function cannot name.
    pub fn parameters(&self) -> Vec<Ident> {
        let parameters = self.frame.generics.params.iter().map(|parameter| match parameter {
            GenericParam::Type(parameter) => parameter.ident.clone(),
            GenericParam::Const(parameter) => parameter.ident.clone(),
            GenericParam::Lifetime(parameter) => parameter.lifetime.ident.clone(),
        });
        parameters.collect()
    }

    pub fn handlers(&self) -> impl Iterator<Item = &Handler> {
        self.items.iter().filter_map(|item| match item {
            Item::Handler(handler) => Some(&**handler),
            Item::Other(_) => None,
        })
    }

    /// The block with each handler as `write` writes it, and the other items as they were.
    pub fn with_handlers(&self, mut write: impl FnMut(&Handler) -> TokenStream) -> TokenStream {
        let items = self.items.iter().map(|item| match item {
            Item::Handler(handler) => write(handler),
            Item::Other(other) => other.clone(),
        });
        let mut block = self.frame.clone();
        block.items = items.map(ImplItem::Verbatim).collect();
        block.into_token_stream()
    }
}

impl Parse for Item {
    fn parse(input: ParseStream) -> syn::Result<Self> {
        let ahead = input.fork();
        let Ok(mut function) = ahead.parse::<Handler>() else {
            return Ok(Self::Other(input.parse::<ImplItem>()?.into_token_stream()));
        };
        input.advance_to(&ahead);
        let written = function.attributes.len();
        function.attributes.retain(|attribute| !is_named(attribute, "skip_metrics"));
        let left_out = function.attributes.len() < written
            || function.attribute("instrument_metrics").is_some()
            || !function.is_handler();
        Ok(if left_out {
            Self::Other(function.into_token_stream())
        } else {
            Self::Handler(Box::new(function))
        })
    }
}
