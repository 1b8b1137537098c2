use rust_decimal::Decimal;

use super::Number;

/// Bytes of an expression, at the most.
pub const EXPRESSION_BYTES_MAX: usize = 1_000;
/// Parentheses, signs and exponents within each other, at the most.
const DEPTH_MAX: usize = 50;

/// Why an expression has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// It is longer than it may be.
    #[error("the expression has {0} bytes; at most {EXPRESSION_BYTES_MAX} are read")]
    TooLong(usize),
    /// Too much stands within each other.
    #[error("more than {DEPTH_MAX} parentheses stand within each other")]
    TooDeep,
    /// Something else stands where this was expected.
    #[error("at {at}: expected {expected}")]
    Unexpected {
        /// Where: a number of characters, from 1.
        at: usize,
        /// What.
        expected: &'static str,
    },
    /// A function that there is none of.
    #[error("there is no function {0}")]
    UnknownFunction(String),
    /// A function with too few or too many values.
    #[error("{0} does not take so many values")]
    WrongCount(&'static str),
    /// Too large, divided by zero, the root of a negative number, or the like.
    #[error("{0} has no value that can be computed")]
    NoValue(&'static str),
}

/// The value of an expression.
///
/// # Errors
/// [`ExpressionError`].
pub fn evaluate(expression: &str) -> Result<Number, ExpressionError> {
    if expression.len() > EXPRESSION_BYTES_MAX {
        return Err(ExpressionError::TooLong(expression.len()));
    }
    let mut reader = Reader { rest: expression, text: expression, depth: 0 };
    let value = reader.sum()?;
    reader.skip_space();
    if reader.rest.is_empty() { Ok(value) } else { Err(reader.unexpected("an operator")) }
}

/// Reads an expression and computes it on the way.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
}

impl Reader<'_> {
    fn sum(&mut self) -> Result<Number, ExpressionError> {
        let mut sum = self.product()?;
        loop {
            if self.takes(&["+"]) {
                sum = sum.plus(self.product()?).ok_or(ExpressionError::NoValue("a sum"))?;
            } else if self.takes(&["-", "−", "–"]) {
                let other = self.product()?.negated();
                sum = sum.plus(other).ok_or(ExpressionError::NoValue("a difference"))?;
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self) -> Result<Number, ExpressionError> {
        let mut product = self.signed()?;
        loop {
            if self.begins("**") {
                return Ok(product);
            } else if self.takes(&["*", "×"]) {
                let other = self.signed()?;
                product = product.times(other).ok_or(ExpressionError::NoValue("a product"))?;
            } else if self.takes(&["/", "÷"]) {
                let other = self.signed()?;
                product = product.over(other).ok_or(ExpressionError::NoValue("a quotient"))?;
            } else {
                return Ok(product);
            }
        }
    }

    /// A sign is weaker than an exponent: -2^2 is -4.
    fn signed(&mut self) -> Result<Number, ExpressionError> {
        if self.takes(&["-", "−", "–"]) {
            return self.deeper(Self::signed).map(Number::negated);
        }
        if self.takes(&["+"]) {
            return self.deeper(Self::signed);
        }
        self.power()
    }

    fn power(&mut self) -> Result<Number, ExpressionError> {
        let base = self.per_cent()?;
        if !self.takes(&["^", "**"]) {
            return Ok(base);
        }
        let exponent = self.deeper(Self::signed)?;
        base.to_the(exponent).ok_or(ExpressionError::NoValue("a power"))
    }

    fn per_cent(&mut self) -> Result<Number, ExpressionError> {
        let mut value = self.operand()?;
        while self.takes(&["%"]) {
            let hundredth = Number::exactly(Decimal::new(1, 2));
            value = value.times(hundredth).ok_or(ExpressionError::NoValue("a per cent"))?;
        }
        Ok(value)
    }

    fn operand(&mut self) -> Result<Number, ExpressionError> {
        self.skip_space();
        if self.takes(&["("]) {
            let value = self.deeper(Self::sum)?;
            return self.closes().map(|()| value);
        }
        if self.rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.number();
        }
        if self.rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return self.function();
        }
        Err(self.unexpected("a number, a function or an opening parenthesis"))
    }

    fn number(&mut self) -> Result<Number, ExpressionError> {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut length = digits(self.rest);
        if self.rest[length..].starts_with('.') {
            length += 1 + digits(&self.rest[length + 1..]);
        }
        let exponent = &self.rest[length..];
        let mut is_scientific = false;
        if exponent.starts_with(['e', 'E']) {
            let sign = usize::from(exponent[1..].starts_with(['-', '+']));
            let count = digits(&exponent[1 + sign..]);
            is_scientific = count > 0;
            length += if is_scientific { 1 + sign + count } else { 0 };
        }
        let text = &self.rest[..length];
        let value = match is_scientific {
            true => Decimal::from_scientific(text).ok(),
            false => Decimal::from_str_exact(text).ok(),
        };
        let Some(value) = value else {
            return Err(self.unexpected("a number of at most 28 digits"));
        };
        self.rest = &self.rest[length..];
        Ok(Number::exactly(value))
    }

    fn function(&mut self) -> Result<Number, ExpressionError> {
        let length = self.rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (name, rest) = self.rest.split_at(length);
        let Some(function) = Function::named(name) else {
            return Err(ExpressionError::UnknownFunction(name.chars().take(20).collect()));
        };
        self.rest = rest;
        if !self.takes(&["("]) {
            return Err(self.unexpected("an opening parenthesis"));
        }
        let mut values = vec![self.deeper(Self::sum)?];
        while self.takes(&[",", ";"]) {
            values.push(self.deeper(Self::sum)?);
        }
        self.closes()?;
        function.of(&values)
    }

    fn closes(&mut self) -> Result<(), ExpressionError> {
        if self.takes(&[")"]) {
            Ok(())
        } else {
            Err(self.unexpected("an operator or a closing parenthesis"))
        }
    }

    fn deeper(
        &mut self,
        read: fn(&mut Self) -> Result<Number, ExpressionError>,
    ) -> Result<Number, ExpressionError> {
        if self.depth >= DEPTH_MAX {
            return Err(ExpressionError::TooDeep);
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn begins(&mut self, sign: &str) -> bool {
        self.skip_space();
        self.rest.starts_with(sign)
    }

    /// Reads one of these signs, if it comes next.
    fn takes(&mut self, signs: &[&str]) -> bool {
        self.skip_space();
        let rest = signs.iter().find_map(|sign| self.rest.strip_prefix(sign));
        rest.map(|rest| self.rest = rest).is_some()
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn unexpected(&self, expected: &'static str) -> ExpressionError {
        let read = &self.text[..self.text.len() - self.rest.len()];
        ExpressionError::Unexpected { at: read.chars().count() + 1, expected }
    }
}

/// What a word stands for.
#[derive(Debug, Clone, Copy)]
enum Function {
    Abs,
    Avg,
    Max,
    Min,
    Round,
    Sqrt,
    Sum,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "abs" => Self::Abs,
            "avg" | "average" | "mean" => Self::Avg,
            "max" => Self::Max,
            "min" => Self::Min,
            "round" => Self::Round,
            "sqrt" => Self::Sqrt,
            "sum" => Self::Sum,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Abs => "abs",
            Self::Avg => "avg",
            Self::Max => "max",
            Self::Min => "min",
            Self::Round => "round",
            Self::Sqrt => "sqrt",
            Self::Sum => "sum",
        }
    }

    fn of(self, values: &[Number]) -> Result<Number, ExpressionError> {
        let sum = || {
            let (first, rest) = values.split_first()?;
            rest.iter().try_fold(*first, |sum, value| sum.plus(*value))
        };
        let extreme = |is_better: fn(&Decimal, &Decimal) -> bool| {
            values.iter().copied().reduce(|best, value| {
                if is_better(&value.value(), &best.value()) { value } else { best }
            })
        };
        let value = match (self, values) {
            (Self::Abs, [value]) => Some(value.absolute()),
            (Self::Sqrt, [value]) => value.root(),
            (Self::Round, [value]) => value.rounded(Number::exactly(Decimal::ZERO)),
            (Self::Round, [value, decimals]) => value.rounded(*decimals),
            (Self::Abs | Self::Sqrt | Self::Round, _) => {
                return Err(ExpressionError::WrongCount(self.name()));
            }
            (Self::Sum, _) => sum(),
            (Self::Avg, _) => {
                sum().and_then(|sum| sum.over(Number::exactly(Decimal::from(values.len()))))
            }
            (Self::Max, _) => extreme(Decimal::gt),
            (Self::Min, _) => extreme(Decimal::lt),
        };
        value.ok_or(ExpressionError::NoValue(self.name()))
    }
}
