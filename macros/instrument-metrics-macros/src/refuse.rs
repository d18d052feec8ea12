//! Says what the attribute cannot measure, why, and what to do instead: every mistake at its own
//! place, all in one compile.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Error, FnArg};

use crate::handler::{Body, Handler};

/// Collects mistakes, so that the learner sees all of them at once.
#[derive(Default)]
struct Mistakes(Option<Error>);

impl Mistakes {
    fn add(&mut self, place: impl ToTokens, message: &str) {
        let mistake = Error::new_spanned(place, message);
        match &mut self.0 {
            Some(earlier) => earlier.combine(mistake),
            None => self.0 = Some(mistake),
        }
    }
}

/// What is wrong with the attribute's arguments and with the handler under it, if anything.
pub fn mistakes(arguments: &TokenStream, handler: &Handler) -> Option<Error> {
    let mut mistakes = Mistakes::default();
    check_arguments(arguments, &mut mistakes);
    handler.check(&mut mistakes);
    mistakes.0
}

/// The item under the attribute is no function that can be read: `why` is what the parser says.
pub fn not_a_function(arguments: &TokenStream, item: &TokenStream, why: Error) -> Error {
    let mut mistakes = Mistakes::default();
    check_arguments(arguments, &mut mistakes);
    let is_function = item.clone().into_iter().any(|token| token.to_string() == "fn");
    let mut error = if is_function {
        why
    } else {
        Error::new(
            Span::call_site(),
            "#[instrument_metrics] measures async functions: put it on each handler",
        )
    };
    if let Some(others) = mistakes.0 {
        error.combine(others);
    }
    error
}

fn check_arguments(arguments: &TokenStream, mistakes: &mut Mistakes) {
    if !arguments.is_empty() {
        mistakes.add(
            arguments,
            "#[instrument_metrics] takes no arguments: the handler label is the function's name",
        );
    }
}

fn attributes_of(argument: &FnArg) -> &[Attribute] {
    match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(argument) => &argument.attrs,
    }
}

impl Handler {
    fn check(&self, mistakes: &mut Mistakes) {
        let signature = &self.signature;
        if signature.asyncness.is_none() {
            mistakes.add(
                signature.fn_token,
                "#[instrument_metrics] measures async functions, as actix-web's handlers are: \
                 write `async fn`",
            );
        }
        if let Some(receiver) = signature.receiver() {
            mistakes.add(
                receiver,
                "#[instrument_metrics] cannot measure a method with `self`: actix-web gives a \
                 handler only what it extracts from the request; take `web::Data<…>` instead",
            );
        }
        for argument in signature.inputs.iter().flat_map(attributes_of) {
            if argument.path().is_ident("cfg") || argument.path().is_ident("cfg_attr") {
                mistakes.add(
                    argument,
                    "#[instrument_metrics] calls the handler with all of its arguments: put the \
                     condition on the whole function, once for each form",
                );
            }
        }
        for attribute in &self.attributes {
            let name = attribute.path().segments.last().map(|segment| segment.ident.to_string());
            if name.as_deref() == Some("instrument_metrics") {
                mistakes.add(
                    attribute,
                    "#[instrument_metrics] stands here twice: each request would be measured twice",
                );
            }
        }
        if let Body::Missing(semicolon) = &self.body {
            mistakes.add(
                semicolon,
                "#[instrument_metrics] needs the handler's body: put it on the function that has one",
            );
        }
    }
}
