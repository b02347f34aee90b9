package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Rate is what one of something costs, such as a token: a number of 10^-18 USD, 0
// to MaxRate where it was read from input. In JSON it is a decimal number of USD.
type Rate int64

// MaxRate is the highest rate that input may name: a dollar.
const MaxRate Rate = 1e18

// rateDecimals is how many places after the point a Rate has.
const rateDecimals = 18

var (
	errHigh = errors.New("is more than 1 USD")
	errFine = fmt.Errorf("has more than %d decimal places", rateDecimals)
)

// ParseRate reads a decimal number of USD in the grammar of JSON. Nothing is
// rounded: what has more places than a Rate is refused.
func ParseRate(text string) (Rate, error) {
	digits, places, err := significant(text)
	if err != nil || digits == "" {
		return 0, err
	}
	shortest := strings.TrimRight(digits, "0")
	zeros := places + rateDecimals + len(digits) - len(shortest)
	switch {
	case len(shortest)+zeros > rateDecimals+1: // the digits of MaxRate
		return 0, errHigh
	case zeros < 0:
		return 0, errFine
	}
	n, err := strconv.ParseUint(shortest+strings.Repeat("0", zeros), 10, 64)
	if err != nil {
		return 0, errForm
	}
	if n > uint64(MaxRate) {
		return 0, errHigh
	}
	return Rate(n), nil
}

// String writes USD with as many places as it takes, and no exponent.
func (r Rate) String() string { return written(int64(r), rateDecimals) }

func (r Rate) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteValue(jsontext.Value(r.String()))
}

// UnmarshalJSONFrom reads a JSON number, or a string that holds one: see ParseRate.
func (r *Rate) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := numberText(d)
	if err != nil {
		return err
	}
	parsed, err := ParseRate(text)
	if err != nil {
		return err
	}
	*r = parsed
	return nil
}
