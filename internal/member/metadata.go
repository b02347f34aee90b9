package member

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/id"
	"roster/internal/table"
)

// Metadata is an organization's own data about a member: a JSON object of at
// most MetadataBytes in its compact form, MetadataDepth levels deep, members in
// order of their names. It is kept as text, in which numbers of any length stay
// what they are; the empty text is the empty object.
type Metadata string

const (
	MetadataBytes = 2048
	MetadataDepth = 5
)

// MetadataPatch is a merge patch for Metadata (RFC 7396): null removes a member.
type MetadataPatch jsontext.Value

func (p *MetadataPatch) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() != '{' {
		return errors.New("must be an object")
	}
	raw, err := d.ReadValue()
	if err != nil {
		return err
	}
	if len(raw) > 2*MetadataBytes {
		return fmt.Errorf("is larger than %d bytes", MetadataBytes)
	}
	if depth(raw) > MetadataDepth {
		return fmt.Errorf("is more than %d levels deep", MetadataDepth)
	}
	// Beyond that, many clients could not read a list in which the number stands:
	// RFC 8259, section 6.
	if json.Unmarshal(raw, new(any)) != nil {
		return errors.New("has a number beyond the range of a double")
	}
	*p = MetadataPatch(raw.Clone())
	return nil
}

// MarshalJSONTo writes the patch as it was read.
func (p MetadataPatch) MarshalJSONTo(e *jsontext.Encoder) error {
	return e.WriteValue(jsontext.Value(p))
}

func depth(raw jsontext.Value) int {
	deepest, level := 0, 0
	inString, escaped := false, false
	for _, c := range raw {
		switch {
		case escaped:
			escaped = false
		case inString:
			escaped = c == '\\'
			inString = c != '"'
		case c == '"':
			inString = true
		case c == '{' || c == '[':
			level++
			deepest = max(deepest, level)
		case c == '}' || c == ']':
			level--
		}
	}
	return deepest
}

// Merge applies a patch; the empty one changes nothing.
func (m Metadata) Merge(patch MetadataPatch) (Metadata, error) {
	if len(patch) == 0 {
		return m, nil
	}
	merged, err := mergePatch(jsontext.Value(m), jsontext.Value(patch))
	switch {
	case err != nil:
		return "", err
	case len(merged) > MetadataBytes:
		return "", fmt.Errorf("is larger than %d bytes", MetadataBytes)
	case string(merged) == "{}":
		return "", nil
	}
	return Metadata(merged), nil
}

func (m Metadata) MarshalJSONTo(e *jsontext.Encoder) error {
	if m == "" {
		m = "{}"
	}
	return e.WriteValue(jsontext.Value(m))
}

// mergePatch is the algorithm of RFC 7396, section 2.
func mergePatch(target, patch jsontext.Value) (jsontext.Value, error) {
	if patch.Kind() != '{' {
		return patch, nil
	}
	var members, changes map[string]jsontext.Value
	if target.Kind() == '{' {
		if err := json.Unmarshal(target, &members); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, err
	}
	merged := make(map[string]jsontext.Value, len(members)+len(changes))
	maps.Copy(merged, members)
	for name, change := range changes {
		if change.Kind() == 'n' {
			delete(merged, name)
			continue
		}
		value, err := mergePatch(merged[name], change)
		if err != nil {
			return nil, err
		}
		merged[name] = value
	}
	return json.Marshal(merged, json.Deterministic(true), jsontext.ReorderRawObjects(true))
}

// Text is one member of the metadata as text; empty, there is none.
func (m Metadata) Text(name string) string {
	var values map[string]jsontext.Value
	if json.Unmarshal([]byte(m), &values) != nil || values[name] == nil {
		return ""
	}
	return MetadataText(values[name])
}

// MetadataText is a value of metadata: a text as it is, everything else as JSON.
func MetadataText(value jsontext.Value) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// EarlierMetadata are a member's metadata as they were until a change.
type EarlierMetadata struct {
	Metadata Metadata  `dynamodbav:"metadata"`
	Until    time.Time `dynamodbav:"until"`
}

// MetadataHistory reads what a member's metadata were, the earliest first, as far as they
// ended after an instant.
func MetadataHistory(ctx context.Context, t *table.Table, org id.Organization, user id.User, after time.Time) ([]EarlierMetadata, error) {
	from := table.MetadataBefore(org, user, after, 0)
	items, err := t.QueryAll(ctx, table.Query{PK: from.PK, From: from.SK, To: table.MetadataPrefix + "~"})
	if err != nil {
		return nil, err
	}
	return table.DecodeAll[EarlierMetadata](items)
}
