// Package money has amounts of US dollars: exact, in billionths, never negative.
package money

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Amount is a number of nano-USD, 0 to Max where it was read from input. In JSON
// it is a decimal number of USD: 45.5, 0.000000001.
type Amount int64

const (
	// USD is one dollar.
	USD Amount = 1e9
	// Max is the largest amount that input may name: a billion dollars.
	Max = 1e9 * USD
)

// decimals is how many places after the point an Amount has.
const decimals = 9

// length bounds the text of an amount. The longest that a float64 prints as is
// 24 characters, with an exponent.
const length = 100

var (
	errForm     = errors.New("is not a decimal number")
	errNegative = errors.New("is negative")
	errLarge    = fmt.Errorf("is more than %s USD", Max)
	errLong     = fmt.Errorf("is longer than %d characters", length)
)

// Plus adds, and stays at the largest or least amount where the sum has none: totals are
// never wrong by a whole turn, whatever is reported.
func (a Amount) Plus(b Amount) Amount {
	switch {
	case a > 0 && b > math.MaxInt64-a:
		return math.MaxInt64
	case a < 0 && b < math.MinInt64-a:
		return math.MinInt64
	}
	return a + b
}

// String writes USD with as many places as it takes, and no exponent.
func (a Amount) String() string { return written(int64(a), decimals) }

// written is n divided by ten to the power of places, as a decimal number.
func written(n int64, places int) string {
	if n < 0 {
		return "-" + positive(uint64(-(n+1))+1, places)
	}
	return positive(uint64(n), places)
}

func positive(n uint64, places int) string {
	digits := fmt.Sprintf("%0*d", places+1, n)
	point := len(digits) - places
	fraction := strings.TrimRight(digits[point:], "0")
	if fraction == "" {
		return digits[:point]
	}
	return digits[:point] + "." + fraction
}

func (a Amount) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteValue(jsontext.Value(a.String()))
}

// UnmarshalJSONFrom reads a JSON number, or a string that holds one, without a
// detour by floating point: see Parse.
func (a *Amount) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := numberText(d)
	if err != nil {
		return err
	}
	parsed, err := Parse(text)
	if err != nil {
		return err
	}
	*a = parsed
	return nil
}

// numberText is the text of a JSON number, or of a string in its place.
func numberText(d *jsontext.Decoder) (string, error) {
	token, err := d.ReadToken()
	if err != nil {
		return "", err
	}
	if k := token.Kind(); k != '0' && k != '"' {
		return "", errForm
	}
	return token.String(), nil
}
