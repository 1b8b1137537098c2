use std::fmt;

use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};
use rust_decimal::{Decimal, RoundingStrategy};

/// Digits that count of a number that is not exact.
const DIGITS_SHOWN: u32 = 12;
/// The largest whole exponent, in either direction.
const EXPONENT_MAX: u32 = 1_000;
/// Decimals of a number that is also told rounded.
const DECIMALS_MANY: u32 = 2;

/// A decimal number of 28 digits, and whether it is exactly what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number {
    value: Decimal,
    is_exact: bool,
}

impl Number {
    /// A number as it is.
    #[must_use]
    pub fn exactly(value: Decimal) -> Self {
        Self { value: value.normalize(), is_exact: true }
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.value
    }

    /// Whether nothing was rounded on the way.
    #[must_use]
    pub const fn is_exact(self) -> bool {
        self.is_exact
    }

    /// The number in words for whoever states it: as it is, rounded, and in per cent.
    #[must_use]
    pub fn described(self) -> String {
        let value = self.value;
        if value.scale() <= DECIMALS_MANY && self.is_exact {
            return self.to_string();
        }
        let rounded = |value: Decimal, decimals| {
            value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero)
        };
        let forms = |value: Decimal, decimals: &[u32]| {
            let mut forms: Vec<String> = Vec::new();
            for form in decimals.iter().map(|decimals| rounded(value, *decimals).to_string()) {
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
            forms.join(", ")
        };
        let mut described = format!("{self} (rounded: {}", forms(value, &[4, 3, 2, 1, 0]));
        // What is far from a share is rarely stated in per cent.
        if let Some(per_cent) = value.checked_mul(Decimal::ONE_HUNDRED)
            && value.abs() < Decimal::TEN
        {
            described.push_str(&format!("; in per cent: {}", forms(per_cent, &[2, 1, 0])));
        }
        described.push(')');
        described
    }

    /// This and that.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let value = self.value.checked_add(other.value)?;
        let is_whole = value.scale() == self.value.scale().max(other.value.scale());
        Some(self.with(other, value, is_whole || value.is_zero()))
    }

    /// Without sign, or with the other one.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { value: -self.value, ..self }
    }

    /// So many times.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        let value = self.value.checked_mul(other.value)?;
        let is_whole = value.scale() == self.value.scale() + other.value.scale();
        let is_zero = self.value.is_zero() || other.value.is_zero();
        Some(self.with(other, value, is_whole || is_zero))
    }

    /// Parted; `None` also for nothing parts.
    #[must_use]
    pub fn over(self, other: Self) -> Option<Self> {
        let value = self.value.checked_div(other.value)?;
        let is_whole = value.checked_mul(other.value) == Some(self.value);
        Some(self.with(other, value, is_whole))
    }

    /// To a power. A fractional one is computed to about fifteen digits.
    #[must_use]
    pub fn to_the(self, exponent: Self) -> Option<Self> {
        if exponent.value.is_integer() {
            let n = exponent.value.abs().to_u32().filter(|n| *n <= EXPONENT_MAX)?;
            let power = self.to_the_whole(n)?;
            let power = Self { is_exact: power.is_exact && exponent.is_exact, ..power };
            return match exponent.value.is_sign_negative() && n > 0 {
                true => Self::exactly(Decimal::ONE).over(power),
                false => Some(power),
            };
        }
        if self.value.is_sign_negative() && !self.value.is_zero() {
            return None;
        }
        let power = self.value.to_f64()?.powf(exponent.value.to_f64()?);
        let value = Decimal::from_f64(power).filter(|_| power.is_finite())?;
        Some(Self { value: value.normalize(), is_exact: false })
    }

    /// The square root; exact where there is one of few digits.
    #[must_use]
    pub fn root(self) -> Option<Self> {
        let half = Self::exactly(Decimal::new(5, 1));
        let root = self.to_the(half)?;
        let short = root.value.round_sf(DIGITS_SHOWN)?.normalize();
        let is_exact = self.is_exact && short.checked_mul(short) == Some(self.value);
        Some(if is_exact { Self::exactly(short) } else { root })
    }

    /// Without sign.
    #[must_use]
    pub fn absolute(self) -> Self {
        Self { value: self.value.abs(), ..self }
    }

    /// With so many decimals, 0 to 28, halves away from zero. It is what was asked for.
    #[must_use]
    pub fn rounded(self, decimals: Self) -> Option<Self> {
        let decimals = decimals
            .value
            .to_u32()
            .filter(|n| *n <= Decimal::MAX_SCALE && decimals.value.is_integer())?;
        let strategy = RoundingStrategy::MidpointAwayFromZero;
        Some(Self::exactly(self.value.round_dp_with_strategy(decimals, strategy)))
    }

    fn to_the_whole(self, mut n: u32) -> Option<Self> {
        let (mut power, mut base) = (Self::exactly(Decimal::ONE), self);
        while n > 0 {
            if n % 2 == 1 {
                power = power.times(base)?;
            }
            n /= 2;
            if n > 0 {
                base = base.times(base)?;
            }
        }
        Some(power)
    }

    fn with(self, other: Self, value: Decimal, is_exact: bool) -> Self {
        let is_exact = is_exact && self.is_exact && other.is_exact;
        Self { value: value.normalize(), is_exact }
    }
}

/// All digits of an exact number; the first ones of any other, marked as such.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_exact {
            return write!(f, "{}", self.value);
        }
        let shown = self.value.round_sf(DIGITS_SHOWN).unwrap_or(self.value);
        write!(f, "about {}", shown.normalize())
    }
}
