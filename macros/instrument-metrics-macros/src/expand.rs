//! Writes the measured handler.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, format_ident, quote};
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Error, FnArg, GenericParam, Pat, PatIdent, PatType, ReturnType, Signature, Token, Type,
    Visibility,
};

use crate::handler::{Body, Handler, is_named};
use crate::impl_block::ImplBlock;
use crate::lints::{self, Divided};
use crate::mistakes::Mistakes;
use crate::options::Options;
use crate::promql;

/// The measured item; or, where something is wrong, the errors and the item as it was.
pub fn instrument_metrics(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut mistakes = Mistakes::default();
    let options = Options::read(arguments, &mut mistakes);
    // What is given back where something is wrong, and what else.
    let (as_it_was, measured) = if is_impl_block(&item) {
        match ImplBlock::read(item.clone()) {
            Ok(block) => {
                block.check(&options, &mut mistakes);
                let measured = block.with_handlers(|item| {
                    let own = item.options.clone().map(|own| options.of_one(own, &mut mistakes));
                    measured(&item.handler, own.as_ref().unwrap_or(&options), Place::Block)
                });
                (block.with_handlers(|item| item.handler.to_token_stream()), measured)
            }
            Err(why) => {
                mistakes.push(why);
                (item, TokenStream::new())
            }
        }
    } else {
        match syn::parse2::<Handler>(item.clone()) {
            Ok(mut handler) => {
                handler.check(&mut mistakes);
                let measured = measured(&handler, &options, Place::Unknown);
                handler.attributes.retain(|attribute| !is_named(attribute, "skip_metrics"));
                (handler.into_token_stream(), measured)
            }
            Err(why) => {
                mistakes.push(no_handler(&item, why));
                (item, TokenStream::new())
            }
        }
    };
    match mistakes.into_error() {
        None => measured,
        Some(error) => {
            let mut errors = error.into_compile_error();
            errors.extend(as_it_was);
            errors
        }
    }
}

/// Whether the item is an `impl` block: the first word after its attributes tells.
fn is_impl_block(item: &TokenStream) -> bool {
    let words = item.clone().into_iter().filter_map(|token| match token {
        TokenTree::Ident(word) => Some(word),
        _ => None,
    });
    words
        .into_iter()
        .find(|word| word != "unsafe" && word != "default")
        .is_some_and(|word| word == "impl")
}

fn is_function(item: &TokenStream) -> bool {
    item.clone().into_iter().any(|token| matches!(&token, TokenTree::Ident(word) if word == "fn"))
}

/// The item is no function that can be read: `why` is what the parser says.
fn no_handler(item: &TokenStream, why: Error) -> Error {
    if is_function(item) {
        return why;
    }
    Error::new(
        Span::call_site(),
        "#[instrument_metrics] measures async functions: put it on each handler, or on the `impl` \
         block that they stand in",
    )
}

/// Where a handler stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// In an `impl` block that is measured as a whole.
    Block,
    /// Anywhere: the function alone does not tell.
    Unknown,
}

/// A function of the same name and arguments, which calls the learner's function, untouched, and
/// answers with `Metered<…>`.
///
/// A handler without a return type stays as it is: actix-web refuses it, and its own words for
/// that are the right ones.
fn measured(handler: &Handler, options: &Options, place: Place) -> TokenStream {
    let (Body::Braces(body), ReturnType::Type(arrow, answer)) =
        (&handler.body, &handler.signature.output)
    else {
        return handler.to_token_stream();
    };
    let runtime = options.runtime();
    let (names, parameters) = parameters(&handler.signature);
    let mut outer = handler.signature.clone();
    outer.inputs = parameters;
    outer.output = ReturnType::Type(*arrow, Box::new(metered(answer, &runtime)));

    // `Self` and the block's parameters have no meaning in a function within a function; so where
    // there are such, the learner's function stands beside its wrapper.
    let is_beside = place == Place::Block || handler.mentions_self();
    let Divided { wrapper, body: of_the_body } = lints::divide(&handler.attributes);
    let (within, beside, called) = if is_beside {
        let (signature, name) = sibling(&handler.signature);
        (
            TokenStream::new(),
            quote!(#(#of_the_body)* #[doc(hidden)] #signature #body),
            quote!(Self::#name),
        )
    } else {
        let (signature, name) = (&handler.signature, &handler.signature.ident);
        (quote!(#signature #body), TokenStream::new(), name.to_token_stream())
    };

    let site = site(handler, options);
    let turbofish = turbofish(&handler.signature);
    // The site has a block of its own, where the learner's code cannot see its name: items have no
    // hygiene. The handler is called by way of a variable: clippy takes an async function that
    // awaits nothing for a mistake, unless somebody needs it as a value, as actix-web does. No
    // item may have the variable's name: `let` would take it for a pattern.
    let function = Ident::new("__instrument_metrics_handler", Span::mixed_site());
    let measuring = quote! {
        #within
        let #function = #called #turbofish;
        #runtime::__private::measure({ #site &SITE }, #function(#(#names),*)).await
    };
    // The wrapper is made of the learner's own tokens, braces included: lints such as `dead_code`
    // are silent on a function that a macro made up.
    let mut braces = Group::new(Delimiter::Brace, measuring);
    braces.set_span(body.span());

    let mut tokens = beside;
    if is_beside {
        tokens.append_all(wrapper);
    } else {
        tokens.append_all(&handler.attributes);
    }
    // Where the compiler asks for documentation, the queries are none.
    let is_documented = handler.is_documented();
    if is_documented || !matches!(handler.visibility, Visibility::Public(_)) {
        let documentation =
            promql::documentation(&label(handler, options), &options.skipped, is_documented);
        if !documentation.is_empty() {
            tokens.extend(quote!(#[doc = #documentation]));
        }
    }
    let visibility = &handler.visibility;
    tokens.extend(quote!(#visibility #outer #braces));
    tokens
}

/// `Metered<answer>`
fn metered(answer: &Type, runtime: &TokenStream) -> Type {
    // The compiler takes a function's head to reach from its first token to its last one. As the
    // learner's, the last one lets the head be theirs, and lints about it stand there.
    let end = Token![>](answer.span());
    syn::parse_quote!(#runtime::Metered<#answer #end)
}

/// The `handler` label.
fn label(handler: &Handler, options: &Options) -> String {
    match &options.name {
        Some(name) => name.value(),
        None => handler.signature.ident.unraw().to_string(),
    }
}

/// `static SITE: Site = …;`
fn site(handler: &Handler, options: &Options) -> TokenStream {
    let runtime = options.runtime();
    let label = label(handler, options);
    let labels = (!options.labels.is_empty()).then(|| {
        let (keys, values): (Vec<_>, Vec<_>) = options.labels.iter().cloned().unzip();
        let values = values.iter().map(syn::LitStr::value);
        quote!(.labels(&[#((#keys, #values)),*]))
    });
    let buckets = options.buckets.as_ref().map(|buckets| buckets.call(&runtime));
    let skips = options.skipped.iter().map(|family| family.call());
    quote! {
        static SITE: #runtime::__private::Site =
            #runtime::__private::Site::new(#label) #labels #buckets #(#skips)*;
    }
}

/// The signature of the learner's function under another name, and that name.
fn sibling(signature: &Signature) -> (Signature, Ident) {
    let mut signature = signature.clone();
    // A name and a head that no learner has written: `dead_code` and clippy's `unused_async` are to
    // speak of the wrapper only.
    signature.ident =
        format_ident!("__{}_unmeasured", signature.ident.unraw(), span = Span::mixed_site());
    signature.fn_token.span = Span::mixed_site();
    signature.asyncness = Some(Token![async](Span::mixed_site()));
    let name = signature.ident.clone();
    (signature, name)
}

/// The wrapper's parameters: the handler's types, each under one name, so that patterns such as
/// `web::Json((id, name))` are taken apart only once.
fn parameters(signature: &Signature) -> (Vec<Ident>, Punctuated<FnArg, Token![,]>) {
    let inputs = signature.inputs.iter().enumerate();
    inputs
        .filter_map(|(index, input)| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(PatType { pat, colon_token, ty, .. }) => {
                let name = parameter_name(pat, &signature.ident).unwrap_or_else(|| {
                    format_ident!("argument_{index}", span = Span::mixed_site())
                });
                let parameter = FnArg::Typed(PatType {
                    attrs: Vec::new(),
                    pat: Box::new(syn::parse_quote!(#name)),
                    colon_token: *colon_token,
                    ty: ty.clone(),
                });
                Some((name, parameter))
            }
        })
        .unzip()
}

/// The learner's own name, which attributes below ours may want to name. `None` for a pattern; for
/// the function's own name, which would hide the function; and for `_name`, which clippy wants to
/// stay unused.
fn parameter_name(pattern: &Pat, function: &Ident) -> Option<Ident> {
    match pattern {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => {
            (ident != function && !ident.to_string().starts_with('_')).then(|| ident.clone())
        }
        _ => None,
    }
}

/// `::<T, N>`: nothing else tells the inner function which types the wrapper was called with.
fn turbofish(signature: &Signature) -> Option<TokenStream> {
    let names: Vec<&Ident> = signature
        .generics
        .params
        .iter()
        .filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => Some(&parameter.ident),
            GenericParam::Const(parameter) => Some(&parameter.ident),
            GenericParam::Lifetime(_) => None,
        })
        .collect();
    (!names.is_empty()).then(|| quote!(::<#(#names),*>))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: &str, item: &str) -> String {
        let tokens = |text: &str| text.parse().expect("the test is made of Rust tokens");
        let expansion = instrument_metrics(tokens(arguments), tokens(item));
        prettyplease::unparse(&syn::parse2(expansion).expect("the expansion is Rust"))
    }

    #[test]
    fn a_handler_is_moved_into_its_wrapper_untouched() {
        insta::assert_snapshot!(expanded(
            "",
            r#"
            /// Reads a memo.
            #[get("/memos/{id}")]
            pub async fn get_memo(id: web::Path<u64>, State(db): State) -> Result<impl Responder, MemoError> {
                let memo = db.memo(*id).await?;
                Ok(web::Json(memo))
            }
            "#
        ));
    }

    #[test]
    fn options_are_the_sites() {
        insta::assert_snapshot!(expanded(
            r#"name = "get_user", labels(team = "accounts", app = "a\"b"), buckets = [0.05, 1], skip(in_flight, requests, duration), crate = my_facade::metrics"#,
            "async fn get(id: web::Path<u64>) -> String { id.to_string() }"
        ));
    }

    #[test]
    fn buckets_may_be_a_const() {
        insta::assert_snapshot!(expanded(
            "buckets = crate::SLOW, skip(requests, duration)",
            "async fn get() -> String { String::new() }"
        ));
    }

    #[test]
    fn generics_are_passed_on() {
        insta::assert_snapshot!(expanded(
            "skip(requests, duration)",
            "async fn any<T: Store, const N: usize>(store: Data<T>) -> impl Responder where T: 'static { store.len() + N }"
        ));
    }

    #[test]
    fn an_impl_block_is_measured_but_for_what_is_left_out() {
        insta::assert_snapshot!(expanded(
            r#"labels(team = "accounts"), skip(requests, duration)"#,
            r#"
            impl<T: Store> Users<T> {
                #![allow(unused)]
                const LIMIT: usize = 10;
                pub async fn version() -> &'static str { "1" }
                #[expect(unused_variables)]
                #[doc(alias = "all")]
                async fn list(store: web::Data<T>) -> web::Json<Vec<User>> { Self::load(Self::LIMIT) }
                #[instrument_metrics(name = "users_get")]
                async fn get() -> String { String::new() }
                #[skip_metrics]
                async fn load(limit: usize) -> Vec<User> { Vec::new() }
                async fn with(&self) -> u8 { 1 }
                async fn nothing() {}
                fn new() -> Self { Self }
            }
            "#
        ));
    }

    #[test]
    fn a_half_typed_body_still_expands() {
        let half = "{ let memo = id. }";
        for item in [
            format!("async fn half(id: Path<u64>) -> String {half}"),
            format!("impl Memos {{ async fn half(id: Path<u64>) -> String {half} }}"),
        ] {
            let expansion = instrument_metrics(TokenStream::new(), item.parse().unwrap());
            let expansion = expansion.to_string();
            assert!(expansion.contains("{ let memo = id . }"), "{expansion}");
            assert!(expansion.contains("Metered"), "{expansion}");
        }
    }

    #[test]
    fn a_handler_without_an_answer_is_left_to_actix() {
        let item: TokenStream = "async fn nothing() { log(); }".parse().unwrap();
        let expansion = instrument_metrics(TokenStream::new(), item.clone());
        assert_eq!(expansion.to_string(), item.to_string());
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_the_item_is_given_back() {
        let item: TokenStream = "fn both(&self) -> String { String::new() }".parse().unwrap();
        let expansion = instrument_metrics(quote!(nme = "x"), item.clone()).to_string();
        assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
        assert!(expansion.ends_with(&item.to_string()), "{expansion}");
    }

    #[test]
    fn a_block_is_given_back_without_what_only_we_understand() {
        let item: TokenStream =
            "impl A for B { #[skip_metrics] async fn a() -> u8 { 1 } }".parse().unwrap();
        let expansion = instrument_metrics(TokenStream::new(), item).to_string();
        assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
        assert!(expansion.ends_with("impl A for B { async fn a () -> u8 { 1 } }"), "{expansion}");
    }
}
