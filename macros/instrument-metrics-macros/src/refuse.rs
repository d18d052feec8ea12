//! Says what the attribute cannot measure, why, and what to do instead.

use quote::ToTokens;
use syn::{Attribute, FnArg};

use crate::handler::{Body, Handler};
use crate::impl_block::ImplBlock;
use crate::mistakes::Mistakes;
use crate::options::Options;

impl Handler {
    /// What is wrong with a function that the attribute stands on.
    pub fn check(&self, mistakes: &mut Mistakes) {
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
        if let Body::Missing(semicolon) = &self.body {
            mistakes.add(
                semicolon,
                "#[instrument_metrics] needs the handler's body: put it on the function that has one",
            );
        }
        if let Some(again) = self.attribute("instrument_metrics") {
            mistakes.add(
                again,
                "#[instrument_metrics] stands here twice: each request would be measured twice",
            );
        }
        if let Some(skip) = self.attribute("skip_metrics") {
            mistakes.add(
                skip,
                "#[skip_metrics] leaves a function out of an `impl` block that is measured: here \
                 take #[instrument_metrics] away instead",
            );
        }
        self.check_arguments(mistakes);
    }

    /// What is wrong with the arguments of any function that is measured.
    fn check_arguments(&self, mistakes: &mut Mistakes) {
        for attribute in self.signature.inputs.iter().flat_map(attributes_of) {
            if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
                mistakes.add(
                    attribute,
                    "#[instrument_metrics] calls the handler with all of its arguments: put the \
                     condition on the whole function, once for each form",
                );
            }
        }
    }
}

fn attributes_of(argument: &FnArg) -> &[Attribute] {
    match argument {
        FnArg::Receiver(receiver) => &receiver.attrs,
        FnArg::Typed(argument) => &argument.attrs,
    }
}

impl ImplBlock {
    /// What is wrong with a block that the attribute stands on.
    pub fn check(&self, options: &Options, mistakes: &mut Mistakes) {
        if let Some(name) = &options.name {
            mistakes.add(
                name,
                "all handlers of the block would have this one name: put \
                 #[instrument_metrics(name = \"…\")] on the function that it is meant for",
            );
        }
        if let Some((_, implemented)) = &self.frame.trait_ {
            mistakes.add(
                implemented,
                "#[instrument_metrics] changes what a function returns, and a trait says what \
                 that is: put it on the type's own `impl` block",
            );
        } else if self.handlers().next().is_none() {
            mistakes.add(
                self.frame.self_ty.to_token_stream(),
                "there is no handler to measure in this block: a handler is an `async fn` \
                 without `self` that returns something",
            );
        }
        for measured in self.handlers() {
            measured.handler.check_arguments(mistakes);
            match &measured.skipped {
                Some(skipped) if skipped.meta.require_path_only().is_err() => mistakes.add(
                    skipped,
                    "#[skip_metrics] takes no options and leaves the whole function out; to leave \
                     out one family, write #[instrument_metrics(skip(heap))]",
                ),
                Some(skipped) => mistakes.add(
                    skipped,
                    "#[skip_metrics] and #[instrument_metrics] on one function contradict each \
                     other: take one away",
                ),
                None => {}
            }
        }
    }
}
