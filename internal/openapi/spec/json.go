package spec

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Ordered is a JSON object whose members keep their order.
type Ordered[T any] []Named[T]

// Named is one member.
type Named[T any] struct {
	Name  string
	Value T
}

// Add appends a member.
func (o *Ordered[T]) Add(name string, value T) { *o = append(*o, Named[T]{name, value}) }

// At returns the member of that name, made where there is none.
func (o *Ordered[T]) At(name string) *T {
	for i := range *o {
		if (*o)[i].Name == name {
			return &(*o)[i].Value
		}
	}
	var zero T
	o.Add(name, zero)
	return &(*o)[len(*o)-1].Value
}

func (o Ordered[T]) MarshalJSONTo(e *jsontext.Encoder) error {
	if err := e.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, member := range o {
		if err := e.WriteToken(jsontext.String(member.Name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e, member.Value); err != nil {
			return err
		}
	}
	return e.WriteToken(jsontext.EndObject)
}

func (o *Ordered[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*o = nil
	for d.PeekKind() == '"' {
		var member Named[T]
		if err := json.UnmarshalDecode(d, &member.Name); err != nil {
			return err
		}
		if err := json.UnmarshalDecode(d, &member.Value); err != nil {
			return err
		}
		*o = append(*o, member)
	}
	_, err := d.ReadToken()
	return err
}

// Types are the JSON types that a schema allows: in JSON a string, or a list of
// several.
type Types []string

var (
	String  = Types{"string"}
	Integer = Types{"integer"}
	Number  = Types{"number"}
	Boolean = Types{"boolean"}
	Array   = Types{"array"}
	Object  = Types{"object"}
	Null    = Types{"null"}
)

func (t Types) MarshalJSONTo(e *jsontext.Encoder) error {
	if len(t) == 1 {
		return e.WriteToken(jsontext.String(t[0]))
	}
	return json.MarshalEncode(e, []string(t))
}

func (t *Types) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '"' {
		return json.UnmarshalDecode(d, (*[]string)(t))
	}
	*t = Types{""}
	return json.UnmarshalDecode(d, &(*t)[0])
}

// plain is a Schema that is no boolean.
type plain Schema

func (s *Schema) MarshalJSONTo(e *jsontext.Encoder) error {
	if s.Never {
		return e.WriteToken(jsontext.False)
	}
	return json.MarshalEncode(e, (*plain)(s))
}

func (s *Schema) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != 'f' {
		return json.UnmarshalDecode(d, (*plain)(s))
	}
	*s = Schema{Never: true}
	_, err := d.ReadToken()
	return err
}
