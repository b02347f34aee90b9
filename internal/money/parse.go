package money

import (
	"strconv"
	"strings"
)

// Parse reads a decimal number of USD in the grammar of JSON (RFC 8259, section
// 6), exactly. What lies beyond the ninth place is rounded once, half to even.
func Parse(text string) (Amount, error) {
	digits, places, err := significant(text)
	if err != nil || digits == "" {
		return 0, err
	}
	return scaled(digits, places+decimals)
}

// significant reads a number that is not negative as digits times ten to the power of
// places; zero has no digits.
func significant(text string) (digits string, places int, err error) {
	if len(text) > length {
		return "", 0, errLong
	}
	number, ok := split(text)
	if !ok {
		return "", 0, errForm
	}
	digits = strings.TrimLeft(number.whole+number.fraction, "0")
	if digits != "" && number.negative {
		return "", 0, errNegative
	}
	return digits, number.exponent - len(number.fraction), nil
}

// decimal is the parts of a number's text.
type decimal struct {
	negative        bool
	whole, fraction string
	exponent        int
}

func split(text string) (decimal, bool) {
	var (
		d  decimal
		ok = true
	)
	text, d.negative = strings.CutPrefix(text, "-")
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		d.exponent, ok = readExponent(text[i+1:])
		text = text[:i]
	}
	var hasPoint bool
	d.whole, d.fraction, hasPoint = strings.Cut(text, ".")
	leadingZero := len(d.whole) > 1 && d.whole[0] == '0'
	return d, ok && areDigits(d.whole) && !leadingZero && (!hasPoint || areDigits(d.fraction))
}

// readExponent reads a signed number. One of more than four digits is held at
// 9999: it decides as any number beyond the text's length does.
func readExponent(s string) (int, bool) {
	sign := 1
	switch {
	case strings.HasPrefix(s, "-"):
		sign, s = -1, s[1:]
	case strings.HasPrefix(s, "+"):
		s = s[1:]
	}
	if !areDigits(s) {
		return 0, false
	}
	s = strings.TrimLeft(s, "0")
	if len(s) > 4 {
		s = "9999"
	}
	n, _ := strconv.Atoi("0" + s)
	return sign * n, true
}

func areDigits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// scaled returns digits times ten to the power of places as a whole number.
func scaled(digits string, places int) (Amount, error) {
	kept := len(digits) + places
	switch {
	case kept > len("1000000000000000000"): // the digits of Max
		return 0, errLarge
	case kept < 0:
		return 0, nil
	case places >= 0:
		return bounded(digits+strings.Repeat("0", places), false)
	}
	whole, rest := "0"+digits[:kept], digits[kept:]
	odd := (whole[len(whole)-1]-'0')%2 == 1
	aboveHalf := rest[0] > '5' || rest[0] == '5' && strings.Trim(rest[1:], "0") != ""
	return bounded(whole, aboveHalf || rest[0] == '5' && odd)
}

func bounded(digits string, roundUp bool) (Amount, error) {
	n, err := strconv.ParseUint(digits, 10, 64) // up to 19 digits always fit
	if err != nil {
		return 0, errForm
	}
	if roundUp {
		n++
	}
	if n > uint64(Max) {
		return 0, errLarge
	}
	return Amount(n), nil
}
