//! The forms of `graph!`: an expression, an expression with a named type (`-> Values; …`), or functions.

use crate::diagnostics::Diagnostics;
use crate::syntax::Function;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::{
    Attribute, FnArg, Pat, Path, PathArguments, Result, ReturnType, Signature, Token, Type,
    Visibility, braced,
};

/// Splits `-> Values;` from the front of a graph.
///
/// # Errors
///
/// If the type cannot be read.
pub(crate) fn split_values(tokens: TokenStream) -> Result<(Option<Path>, TokenStream)> {
    let split = |input: ParseStream<'_>| {
        if !input.peek(Token![->]) {
            return Ok((None, input.parse()?));
        }
        input.parse::<Token![->]>()?;
        let path = values(input.parse()?)?;
        if !input.peek(Token![;]) {
            let message = "expected `;` after the type of the graph's values: `-> Fit;`";
            return Err(input.error(message));
        }
        input.parse::<Token![;]>()?;
        Ok((Some(path), input.parse()?))
    };
    split.parse2(tokens)
}

/// Whether the tokens declare functions, not the tasks of one graph.
pub(crate) fn is_function(tokens: &TokenStream) -> bool {
    let begins = |input: ParseStream<'_>| {
        Attribute::parse_outer(input)?;
        input.parse::<Visibility>()?;
        let is_function = input.peek(Token![fn])
            || input.peek(Token![const])
            || input.peek(Token![async])
            || input.peek(Token![unsafe])
            || input.peek(Token![extern]);
        input.parse::<TokenStream>()?;
        Ok(is_function)
    };
    begins.parse2(tokens.clone()).unwrap_or(false)
}

/// Reads all functions, up to the first that cannot be read, which is reported.
pub(crate) fn parse_functions(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Vec<Function> {
    let mut functions = Vec::new();
    let parsed = |input: ParseStream<'_>| {
        while !input.is_empty() {
            functions.push(function(input)?);
        }
        Ok(())
    };
    if let Err(error) = parsed.parse2(tokens) {
        diagnostics.push(error);
    }
    functions
}

/// `/// doc  #[derive(…)] pub fn fit(xs: &[f64]) -> Fit { … }`
fn function(input: ParseStream<'_>) -> Result<Function> {
    let attributes = Attribute::parse_outer(input)?;
    let visibility = input.parse()?;
    let signature: Signature = input.parse()?;
    let (name, values) = check(&signature)?;
    let content;
    braced!(content in input);
    Ok(Function {
        attributes,
        visibility,
        signature,
        name,
        values,
        body: content.parse()?,
    })
}

fn check(signature: &Signature) -> Result<(syn::Ident, Path)> {
    let name = signature.ident.clone();
    let not_plain: [&dyn ToTokens; 4] = [
        &signature.constness,
        &signature.asyncness,
        &signature.safety,
        &signature.abi,
    ];
    for token in not_plain {
        if !token.to_token_stream().is_empty() {
            let message = format!("a named graph is a plain function: `fn {name}(…) -> Values`");
            return Err(syn::Error::new_spanned(token, message));
        }
    }
    for parameter in &signature.inputs {
        match parameter {
            FnArg::Receiver(receiver) => {
                let message =
                    "a named graph is no method: in a method write `graph! { -> Values; … }`";
                return Err(syn::Error::new_spanned(receiver, message));
            }
            FnArg::Typed(typed) if !matches!(&*typed.pat, Pat::Ident(_)) => {
                let message = "a parameter of a named graph is a name: `name: Type`";
                return Err(syn::Error::new_spanned(&typed.pat, message));
            }
            FnArg::Typed(_) => {}
        }
    }
    let ReturnType::Type(_, ty) = &signature.output else {
        let message = format!(
            "a named graph names the struct of its values, which it declares: `fn {name}(…) -> Values`"
        );
        return Err(syn::Error::new_spanned(&signature.ident, message));
    };
    let path = values((**ty).clone())?;
    let is_plain = path.leading_colon.is_none() && path.segments.len() == 1;
    let arguments = path.segments.iter().map(|segment| &segment.arguments);
    if !is_plain
        || arguments
            .into_iter()
            .any(|it| matches!(it, PathArguments::Parenthesized(_)))
    {
        let message = "this struct is declared here, so it has a plain name; for a struct that you declare, write a function whose body is `graph! { -> Values; … }`";
        return Err(syn::Error::new_spanned(path, message));
    }
    Ok((name, path))
}

/// The path of a struct.
fn values(ty: Type) -> Result<Path> {
    match ty {
        Type::Path(ty) if ty.qself.is_none() => Ok(ty.path),
        ty => {
            let message = "expected the name of a struct, which has a field for each output";
            Err(syn::Error::new_spanned(ty, message))
        }
    }
}
