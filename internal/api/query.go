package api

import (
	"encoding"
	"fmt"
	"net/url"
	"reflect"
)

// Query is the query by which an In was asked for, without what is not said in it:
// ReadQuery reads it again. It panics where a member cannot be written: a programming error.
func Query[In any](in In) string {
	v, values := reflect.ValueOf(in), url.Values{}
	for _, q := range shapeOf(v.Type()).query {
		member := v.FieldByIndex(q.index)
		if member.IsZero() {
			continue
		}
		text := fmt.Sprint(member.Interface())
		if m, ok := member.Interface().(encoding.TextMarshaler); ok {
			b, err := m.MarshalText()
			if err != nil {
				panic(fmt.Sprintf("api: %T.%s: %v", in, q.name, err))
			}
			text = string(b)
		}
		values.Set(q.name, text)
	}
	return values.Encode()
}

// ReadQuery is the In that Query wrote.
func ReadQuery[In any](query string) (In, error) {
	var in In
	values, err := url.ParseQuery(query)
	if err != nil {
		return in, err
	}
	v := reflect.ValueOf(&in).Elem()
	for _, q := range shapeOf(v.Type()).query {
		if !values.Has(q.name) {
			continue
		}
		if err := set(v.FieldByIndex(q.index), values.Get(q.name)); err != nil {
			return in, fmt.Errorf("api: %s: %w", q.name, err)
		}
	}
	return in, nil
}
