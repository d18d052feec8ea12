//! Reads an `impl` block under the attribute.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Attribute, ImplItem, ItemImpl, Meta};

use crate::handler::{Handler, is_named};

/// `impl Users { … }`, the bodies of its functions unread.
pub struct ImplBlock {
    /// The block without its items.
    pub frame: ItemImpl,
    pub items: Vec<Item>,
}

pub enum Item {
    Measured(Box<Measured>),
    /// Anything else, and what `#[skip_metrics]` leaves out.
    Other(TokenStream),
}

/// An async function that actix-web could call.
pub struct Measured {
    pub handler: Handler,
    /// What stands in the parentheses of an attribute of its own, where it has one.
    pub options: Option<TokenStream>,
    /// A `#[skip_metrics]` that says the contrary.
    pub skipped: Option<Attribute>,
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

    pub fn handlers(&self) -> impl Iterator<Item = &Measured> {
        self.items.iter().filter_map(|item| match item {
            Item::Measured(measured) => Some(&**measured),
            Item::Other(_) => None,
        })
    }

    /// The block with each handler as `write` writes it, and the other items as they were.
    pub fn with_handlers(&self, mut write: impl FnMut(&Measured) -> TokenStream) -> TokenStream {
        let items = self.items.iter().map(|item| match item {
            Item::Measured(measured) => write(measured),
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
        let Ok(mut handler) = ahead.parse::<Handler>() else {
            return Ok(Self::Other(input.parse::<ImplItem>()?.into_token_stream()));
        };
        input.advance_to(&ahead);
        let own = handler.attribute("instrument_metrics").cloned();
        let skipped = handler.attribute("skip_metrics").cloned();
        handler.attributes.retain(|attribute| !is_named(attribute, "skip_metrics"));
        let is_measured = match (&own, &skipped) {
            // With arguments it is refused, and so has to be seen.
            (None, Some(skipped)) => skipped.meta.require_path_only().is_err(),
            // What is no handler and has an attribute of its own says so itself.
            _ => handler.is_handler(),
        };
        if !is_measured {
            return Ok(Self::Other(handler.into_token_stream()));
        }
        handler.attributes.retain(|attribute| !is_named(attribute, "instrument_metrics"));
        let options = own.map(|own| match own.meta {
            Meta::List(list) => list.tokens,
            Meta::Path(_) | Meta::NameValue(_) => TokenStream::new(),
        });
        Ok(Self::Measured(Box::new(Measured { handler, options, skipped })))
    }
}
