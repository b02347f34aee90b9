package field

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Optional is a member of a merge patch (RFC 7396): absent, null or a value.
// Tag it omitzero.
type Optional[T any] struct {
	// Given is true for null and for a value.
	Given bool
	Null  bool
	Value T
}

// Of is a given value.
func Of[T any](v T) Optional[T] { return Optional[T]{Given: true, Value: v} }

func (o *Optional[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == 'n' {
		*o = Optional[T]{Given: true, Null: true}
		_, err := d.ReadToken()
		return err
	}
	*o = Optional[T]{Given: true}
	return json.UnmarshalDecode(d, &o.Value)
}

func (o Optional[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if o.Null || !o.Given {
		return e.WriteToken(jsontext.Null)
	}
	return json.MarshalEncode(e, o.Value)
}

// Merge sets *into where a value is given; null makes it the zero value.
func (o Optional[T]) Merge(into *T) {
	if o.Given {
		*into = o.Value
	}
}
