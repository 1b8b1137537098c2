//! The calculator computes as an accountant does, and never breaks.

use std::time::Duration;

use adapter_tools::Calculator;
use adapter_tools::calculator::{EXPRESSION_BYTES_MAX, evaluate};
use engine::ports::{ToolError, Toolbox as _};
use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use crate::support::{asking, within};

fn value(expression: &str) -> String {
    match evaluate(expression) {
        Ok(number) => number.to_string(),
        Err(error) => panic!("{expression}: {error}"),
    }
}

async fn answer(arguments: Value) -> Result<String, ToolError> {
    let asked = asking("calculator", arguments);
    Calculator.call(&within(Duration::from_secs(1)), &asked).await
}

#[test]
fn decimals_are_exact_where_binary_fractions_are_not() {
    for (expression, expected) in [
        ("0.1 + 0.2", "0.3"),
        ("1.1 * 1.1", "1.21"),
        ("4.35 * 100", "435"),
        ("1.005 * 1000", "1005"),
        ("round(1.005, 2)", "1.01"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("12345678901234567890 + 1", "12345678901234567891"),
        ("0.1^3", "0.001"),
        ("32765.5 - 31657", "1108.5"),
        ("1/8", "0.125"),
        ("sqrt(1.44)", "1.2"),
        ("1e6 / 4", "250000"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn signs_powers_and_per_cents_bind_as_in_a_book() {
    for (expression, expected) in [
        ("2 + 3 * 4", "14"),
        ("(2 + 3) * 4", "20"),
        ("2^3^2", "512"),
        ("2**3", "8"),
        ("-2^2", "-4"),
        ("2^-2", "0.25"),
        ("10 - 4 - 3", "3"),
        ("100 / 10 / 5", "2"),
        ("--5", "5"),
        ("200 * 12%", "24"),
        ("50%^2", "0.25"),
        ("7 − 2 × 3 ÷ 6", "6"),
        ("0^0", "1"),
        (" sum(1, 2.5 ,3) ", "6.5"),
        ("AVG(1;2;3;4)", "2.5"),
        ("max(1,577)", "577"),
        ("min(3, -1, 2)", "-1"),
        ("abs(-3.5)", "3.5"),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_is_rounded_is_marked_as_such() {
    for (expression, expected) in [
        ("1 / 3", "about 0.333333333333"),
        ("2 / 3 * 3", "about 2"),
        ("sqrt(2)", "about 1.41421356237"),
        ("(32765 / 30109)^(1/2) - 1", "about 0.0431743990003"),
        ("1.01^365", "about 37.7834343329"),
    ] {
        assert!(!evaluate(expression).unwrap().is_exact(), "{expression}");
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_has_no_value_says_why() {
    for (expression, part) in [
        ("", "at 1: expected a number"),
        ("1 +", "at 4: expected a number"),
        ("1 2", "at 3: expected an operator"),
        ("(1", "at 3: expected an operator or a closing"),
        ("1)", "at 2: expected an operator"),
        ("$5", "at 1: expected a number"),
        ("1,577 + 1", "at 2: expected an operator"),
        ("7 % 3", "at 5: expected an operator"),
        ("sin(1)", "there is no function sin"),
        ("sqrt(1, 2)", "sqrt does not take so many values"),
        ("round(1, -1)", "round has no value"),
        ("1 / 0", "a quotient has no value"),
        ("sqrt(-1)", "sqrt has no value"),
        ("(-8)^(1/3)", "a power has no value"),
        ("10^29", "a power has no value"),
        ("2^1001", "a power has no value"),
        ("9^9^9^9", "a power has no value"),
        ("99999999999999999999999999999999", "at most 28 digits"),
        ("1e999", "at most 28 digits"),
    ] {
        let error = evaluate(expression).expect_err(expression).to_string();
        assert!(error.contains(part), "{expression}: {error}");
    }
}

#[test]
fn length_and_depth_are_bounded() {
    let long = "1+".repeat(EXPRESSION_BYTES_MAX);
    assert!(evaluate(&long).unwrap_err().to_string().contains("at most"));
    for deep in ["(".repeat(500), "-".repeat(500), "2^".repeat(400), "abs(".repeat(200)] {
        assert!(evaluate(&deep).unwrap_err().to_string().contains("more than 50"), "{deep}");
    }
}

#[tokio::test]
async fn an_answer_has_the_forms_in_which_a_figure_is_stated() {
    let growth = answer(json!({"expression": "(1577 - 1373) / 1373"})).await.unwrap();
    let expected = "about 0.148579752367 (rounded: 0.1486, 0.149, 0.15, 0.1, 0; in per cent: \
                    14.86, 14.9, 15)";
    assert_eq!(growth, expected);
    assert_eq!(answer(json!({"expression": "0.1 + 0.2"})).await.unwrap(), "0.3");
}

#[tokio::test]
async fn arguments_that_break_the_schema_are_refused() {
    for arguments in [
        json!(null),
        json!("1+1"),
        json!({}),
        json!({"expression": 2}),
        json!({"expression": "1", "precision": 3}),
        json!({"expression": "1 + x"}),
    ] {
        let refused = answer(arguments.clone()).await;
        assert!(matches!(refused, Err(ToolError::Rejected(_))), "{arguments}: {refused:?}");
    }
    let other = asking("abacus", json!({"expression": "1"}));
    let refused = Calculator.call(&within(Duration::from_secs(1)), &other).await;
    assert!(matches!(refused, Err(ToolError::Rejected(_))));
}

proptest! {
    #[test]
    fn whole_numbers_add_and_multiply_as_in_integers(a in any::<i32>(), b in any::<i32>()) {
        let (wide_a, wide_b) = (i64::from(a), i64::from(b));
        prop_assert_eq!(value(&format!("({a}) + ({b})")), (wide_a + wide_b).to_string());
        prop_assert_eq!(value(&format!("({a}) * ({b})")), (wide_a * wide_b).to_string());
    }

    #[test]
    fn what_is_divided_and_multiplied_again_is_close(a in 1u64..1_000_000_000, b in 1u64..1_000_000) {
        let back = evaluate(&format!("{a} / {b} * {b}")).unwrap().value();
        let difference = (back - rust_decimal::Decimal::from(a)).abs();
        prop_assert!(difference < rust_decimal::Decimal::new(1, 12));
    }

    #[test]
    fn cents_add_up(cents in proptest::collection::vec(0u64..1_000_000_000, 1..40)) {
        let terms: Vec<String> = cents.iter().map(|c| format!("{}.{:02}", c / 100, c % 100)).collect();
        let sum: u64 = cents.iter().sum();
        let expected = rust_decimal::Decimal::new(i64::try_from(sum).unwrap(), 2).normalize();
        prop_assert_eq!(evaluate(&terms.join("+")).unwrap().value(), expected);
    }

    #[test]
    fn nothing_that_is_written_breaks_it(text in "[-+*/^%(),.0-9a-z ×÷]{0,80}|\\PC{0,80}") {
        if let Ok(number) = evaluate(&text) {
            prop_assert!(number.described().len() < 400);
        }
    }
}
