//! Writes the measured handler.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::ext::IdentExt;
use syn::{FnArg, GenericParam, Pat, PatIdent, PatType, ReturnType};

use crate::handler::{Body, Handler};
use crate::refuse;

/// The measured handler; or, where something is wrong, the errors and the item as it was.
pub fn instrument_metrics(arguments: &TokenStream, item: TokenStream) -> TokenStream {
    let expansion = match syn::parse2::<Handler>(item.clone()) {
        Ok(handler) => match refuse::mistakes(arguments, &handler) {
            None => Ok(measured(&handler)),
            Some(mistakes) => Err(mistakes),
        },
        Err(why) => Err(refuse::not_a_function(arguments, &item, why)),
    };
    match expansion {
        Ok(Some(measured)) => measured,
        Ok(None) => item,
        Err(mistakes) => {
            let mut errors = mistakes.into_compile_error();
            errors.extend(item);
            errors
        }
    }
}

/// A function of the same name and arguments, which has the learner's function in it, untouched,
/// and answers with `Metered<…>`.
///
/// `None` where there is nothing to answer with: actix-web refuses a handler without a return
/// type, and its own words for that are the right ones.
fn measured(handler: &Handler) -> Option<TokenStream> {
    let Handler { attributes, visibility, signature, body } = handler;
    let (Body::Braces(body), ReturnType::Type(arrow, answer)) = (body, &signature.output) else {
        return None;
    };
    let name = &signature.ident;
    let label = name.unraw().to_string();
    let (names, parameters) = parameters(handler);
    let turbofish = turbofish(handler);

    let mut outer = signature.clone();
    outer.inputs = parameters;
    outer.output = ReturnType::Type(
        *arrow,
        Box::new(syn::parse_quote!(::instrument_metrics::__private::Metered<#answer>)),
    );

    // The site has a block of its own, where the learner's code cannot see its name: items have no
    // hygiene.
    let measuring = quote! {
        #signature #body
        ::instrument_metrics::__private::measure(
            {
                static SITE: ::instrument_metrics::__private::Site =
                    ::instrument_metrics::__private::Site::new(#label);
                &SITE
            },
            #name #turbofish (#(#names),*),
        )
        .await
    };
    // The wrapper is made of the learner's own tokens, braces included: lints such as `dead_code`
    // are silent on a function that a macro made up.
    let mut braces = Group::new(Delimiter::Brace, measuring);
    braces.set_span(body.span());
    let attributes = attributes.iter().map(ToTokens::to_token_stream);
    let mut measured: TokenStream = attributes.collect();
    measured.extend(quote!(#visibility #outer #braces));
    Some(measured)
}

/// The wrapper's parameters: the handler's types, each under one name, so that patterns such as
/// `web::Json((id, name))` are taken apart only once.
fn parameters(
    handler: &Handler,
) -> (Vec<Ident>, syn::punctuated::Punctuated<FnArg, syn::Token![,]>) {
    let inputs = handler.signature.inputs.iter().enumerate();
    inputs
        .filter_map(|(index, input)| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(PatType { pat, colon_token, ty, .. }) => {
                let name = parameter_name(pat, &handler.signature.ident).unwrap_or_else(|| {
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
fn turbofish(handler: &Handler) -> Option<TokenStream> {
    let names: Vec<&Ident> = handler
        .signature
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

    fn expanded(item: &str) -> String {
        let item = item.parse().expect("the test's item is made of Rust tokens");
        let expansion = instrument_metrics(&TokenStream::new(), item);
        prettyplease::unparse(&syn::parse2(expansion).expect("the expansion is Rust"))
    }

    #[test]
    fn a_handler_is_moved_into_its_wrapper_untouched() {
        insta::assert_snapshot!(expanded(
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
    fn generics_are_passed_on() {
        insta::assert_snapshot!(expanded(
            "async fn any<T: Store, const N: usize>(store: Data<T>) -> impl Responder where T: 'static { store.len() + N }"
        ));
    }

    #[test]
    fn a_half_typed_body_still_expands() {
        let item = "async fn half(id: Path<u64>) -> String { let memo = id. }".parse().unwrap();
        let expansion = instrument_metrics(&TokenStream::new(), item).to_string();
        assert!(expansion.contains("{ let memo = id . }"), "{expansion}");
        assert!(expansion.contains("Metered"), "{expansion}");
    }

    #[test]
    fn a_handler_without_an_answer_is_left_to_actix() {
        let item: TokenStream = "async fn nothing() { log(); }".parse().unwrap();
        let expansion = instrument_metrics(&TokenStream::new(), item.clone());
        assert_eq!(expansion.to_string(), item.to_string());
    }

    #[test]
    fn all_mistakes_are_told_at_once_and_the_item_is_given_back() {
        let item: TokenStream = "fn both(&self) -> String { String::new() }".parse().unwrap();
        let expansion = instrument_metrics(&quote!(nme = "x"), item.clone()).to_string();
        assert_eq!(expansion.matches("compile_error").count(), 3, "{expansion}");
        assert!(expansion.ends_with(&item.to_string()), "{expansion}");
    }
}
