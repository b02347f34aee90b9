package spending

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/field"
)

// Rates are how much may be asked for in a minute, and at once; nil is unlimited. They
// keep one caller from taking what all need.
type Rates struct {
	// RequestsPerMinute and TokensPerMinute, of input and output together, are counted by
	// the minutes of the clock.
	RequestsPerMinute *Count
	TokensPerMinute   *Count
	// InFlight is how many reservations there may be at once.
	InFlight *Count
}

// RateOverrides are rates as somebody's item holds them: absent, they are inherited, and
// UnlimitedRate is explicitly none.
type RateOverrides struct {
	RequestsPerMinute *Count `dynamodbav:"requests_per_minute,omitempty"`
	TokensPerMinute   *Count `dynamodbav:"tokens_per_minute,omitempty"`
	InFlight          *Count `dynamodbav:"max_in_flight,omitempty"`
}

// UnlimitedRate is how RateOverrides keep a rate that is explicitly none.
const UnlimitedRate = -1

// Over returns the rates that bind, where the others are inherited.
func (r RateOverrides) Over(inherited Rates) Rates {
	own := func(rate, inherited *Count) *Count {
		switch {
		case rate == nil:
			return inherited
		case *rate == UnlimitedRate:
			return nil
		}
		return rate
	}
	return Rates{
		own(r.RequestsPerMinute, inherited.RequestsPerMinute), own(r.TokensPerMinute, inherited.TokensPerMinute), own(r.InFlight, inherited.InFlight),
	}
}

// Any reports whether a rate is limited.
func (r Rates) Any() bool {
	return r.RequestsPerMinute != nil || r.TokensPerMinute != nil || r.InFlight != nil
}

// PerMinute reports whether a rate by the minute is limited.
func (r Rates) PerMinute() bool { return r.RequestsPerMinute != nil || r.TokensPerMinute != nil }

// Exceed reports whether one of the rates admits more than another's.
func (r Rates) Exceed(than Rates) bool {
	more := func(rate, than *Count) bool { return than != nil && (rate == nil || *rate > *than) }
	return more(r.RequestsPerMinute, than.RequestsPerMinute) || more(r.TokensPerMinute, than.TokensPerMinute) || more(r.InFlight, than.InFlight)
}

// RatePatch changes rates; what is absent stays.
type RatePatch struct {
	// RequestsPerMinute, TokensPerMinute (of input and output together) and MaxInFlight
	// (reservations at once): null is unlimited, 0 is none, "inherit" leaves it to the
	// organization's default for its members.
	RequestsPerMinute field.Optional[Rate] `json:"requests_per_minute,omitzero"`
	TokensPerMinute   field.Optional[Rate] `json:"tokens_per_minute,omitzero"`
	MaxInFlight       field.Optional[Rate] `json:"max_in_flight,omitzero"`
}

// Count is a number of requests or tokens.
type Count int64

// MaxCount bounds a Count.
const MaxCount = 1_000_000_000

func (c *Count) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var n int64
	if err := json.UnmarshalDecode(d, &n); err != nil {
		return err
	}
	if n < 0 || n > MaxCount {
		return fmt.Errorf("is not from 0 to %d", MaxCount)
	}
	*c = Count(n)
	return nil
}

// Rate is a Count, or Inherit.
type Rate struct {
	Count   Count
	Inherit bool
}

// UnmarshalJSONFrom reads a Count, or "inherit".
func (r *Rate) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return r.Count.UnmarshalJSONFrom(d)
	}
	token, err := d.ReadToken()
	if err == nil && token.String() != Inherit {
		return errors.New(`is neither a number nor "inherit"`)
	}
	r.Inherit = true
	return err
}

func (p RatePatch) given() bool {
	return p.RequestsPerMinute.Given || p.TokensPerMinute.Given || p.MaxInFlight.Given
}

// Apply returns the rates after the patch.
func (p RatePatch) Apply(to RateOverrides) RateOverrides {
	replace := func(kept **Count, rate field.Optional[Rate]) {
		switch {
		case !rate.Given:
		case rate.Null:
			*kept = new(Count(UnlimitedRate))
		case rate.Value.Inherit:
			*kept = nil
		default:
			*kept = &rate.Value.Count
		}
	}
	replace(&to.RequestsPerMinute, p.RequestsPerMinute)
	replace(&to.TokensPerMinute, p.TokensPerMinute)
	replace(&to.InFlight, p.MaxInFlight)
	return to
}

// same reports whether the two are equal.
func (r RateOverrides) same(as RateOverrides) bool {
	equal := func(a, b *Count) bool { return a == b || a != nil && b != nil && *a == *b }
	return equal(r.RequestsPerMinute, as.RequestsPerMinute) && equal(r.TokensPerMinute, as.TokensPerMinute) && equal(r.InFlight, as.InFlight)
}

// record adds to what an audit event shows, by the API's names.
func (r RateOverrides) record(shown map[string]any) {
	for name, rate := range map[string]*Count{
		"requests_per_minute": r.RequestsPerMinute, "tokens_per_minute": r.TokensPerMinute, "max_in_flight": r.InFlight,
	} {
		switch {
		case rate == nil:
			shown[name] = Inherit
		case *rate == UnlimitedRate:
			shown[name] = Unlimited
		default:
			shown[name] = *rate
		}
	}
}
