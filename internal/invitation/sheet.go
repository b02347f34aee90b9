package invitation

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"roster/internal/email"
	"roster/internal/fault"
	"roster/internal/money"
)

// Sheet is a table of people to invite, as CSV (RFC 4180). Its first row names the
// columns, and shows by what cells are separated: by a comma, a semicolon or a tab,
// whichever stands first in it outside of quotation marks. Rows without any content
// do not count.
type Sheet struct{ rows []sheetRow }

// sheetRow is a row as the entry that it stands for.
type sheetRow struct {
	// entry is an InviteRequest as JSON; its teams are those that the row names.
	entry jsontext.Value
	teams []string
	place place
	// err is why the row is none; what follows it may be read all the same.
	err error
}

var (
	errSheet     = fault.New(fault.Malformed, "malformed_csv", "The body cannot be read as CSV.")
	errColumns   = fault.New(fault.Malformed, "unknown_column", "The first row names columns that there are not.")
	errRow       = fault.New(fault.Invalid, "malformed_row", "The row cannot be read.")
	errTooMany   = fault.New(fault.TooLarge, "too_many_rows", fmt.Sprintf("A bulk invitation has at most %d rows.", maxRows))
	errUnlimited = errors.New("is neither an amount in USD, such as 200.50, nor unlimited")
)

// maxCells bounds what reading a table takes of memory.
const maxCells = 1_000_000

// UnmarshalText reads a table. A row that cannot be read is kept as such; it fails
// where the rows cannot be told apart, or the columns mean nothing.
func (s *Sheet) UnmarshalText(text []byte) error {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	separator := separatorOf(text)
	if bytes.Count(text, []byte{separator}) > maxCells {
		return errSheet.WithDetail(fmt.Sprintf("The table has more than %d cells.", maxCells))
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma, r.FieldsPerRecord, r.ReuseRecord = rune(separator), -1, true
	r.TrimLeadingSpace = separator != '\t' // a tab is a space to it, and an empty cell would be none
	columns, err := readColumns(r)
	if err != nil {
		return err
	}
	for {
		cells, err := r.Read()
		malformed, isMalformed := errors.AsType[*csv.ParseError](err)
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case isMalformed && malformed.StartLine != malformed.Line:
			// A quotation mark has no other, and what stands between may be many rows.
			return unreadable(malformed)
		case isMalformed:
			at := place{Line: malformed.Line}
			s.rows = append(s.rows, sheetRow{place: at, err: errRow.WithDetail(
				position{malformed.Line, malformed.Column}.String() + ": " + malformed.Err.Error() + ".")})
		case err != nil:
			return err
		case slices.ContainsFunc(cells, func(cell string) bool { return strings.TrimSpace(cell) != "" }):
			s.rows = append(s.rows, columns.row(r, cells))
		}
		if len(s.rows) > maxRows {
			return errTooMany
		}
	}
}

// separatorOf is by what the cells of a table are separated; a comma, if its first
// row has one cell.
func separatorOf(text []byte) byte {
	quoted := false
	for _, c := range bytes.TrimLeft(text, "\r\n") {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ',', c == ';', c == '\t':
			return c
		case c == '\n':
			return ','
		}
	}
	return ','
}

func unreadable(e *csv.ParseError) error {
	return errSheet.WithDetail(fmt.Sprintf("The table cannot be read: in the row that begins in line %d, at %s, %s.",
		e.StartLine, position{e.Line, e.Column}, e.Err)).With("line", e.Line).With("column", e.Column)
}

// position is a line and a column of a text, from 1. Columns count bytes.
type position [2]int

func (p position) String() string { return fmt.Sprintf("line %d, column %d", p[0], p[1]) }

// columns are the names of a table's columns, in its order.
type columns []string

const metadataColumn = "metadata."

var known = []string{"email", "name", "role", "teams", "monthly_limit", "daily_limit", "preset", "message", "membership_ends_at"}

// readColumns reads the first row.
func readColumns(r *csv.Reader) (columns, error) {
	names, err := r.Read()
	if malformed, ok := errors.AsType[*csv.ParseError](err); ok {
		return nil, unreadable(malformed)
	}
	if err != nil {
		return nil, errSheet.WithDetail("The table is empty: its first row names the columns.")
	}
	var (
		all     columns
		unknown []string
	)
	for i, cell := range names {
		line, at := r.FieldPos(i)
		name, ok := columnOf(cell)
		switch {
		case !ok:
			unknown = append(unknown, fmt.Sprintf("%.100q", strings.ToValidUTF8(cell, "\ufffd")))
		case slices.Contains(all, name):
			return nil, errSheet.WithDetail(fmt.Sprintf("The table has two columns %.100q.", name)).With("line", line).With("column", at)
		}
		all = append(all, name)
	}
	switch {
	case len(unknown) > 0:
		detail := fmt.Sprintf("There is no column %s. Columns are %s and metadata.<name>.",
			strings.Join(unknown[:min(len(unknown), 10)], ", "), strings.Join(known, ", "))
		return nil, errColumns.WithDetail(detail)
	case !slices.Contains(all, "email"):
		return nil, errSheet.WithDetail("The table has no column email.")
	}
	return all, nil
}

// columnOf returns the column that is called so. The name of a member of the
// metadata is as it is written.
func columnOf(cell string) (string, bool) {
	cell = strings.TrimSpace(cell)
	name := email.LowerASCII(cell)
	switch member, ok := strings.CutPrefix(name, metadataColumn); {
	case !utf8.ValidString(cell):
		return "", false
	case ok && member != "":
		return metadataColumn + cell[len(metadataColumn):], true
	case name == "e-mail":
		return "email", true
	}
	return name, slices.Contains(known, name)
}

// row reads a row.
func (c columns) row(r *csv.Reader, cells []string) sheetRow {
	line, _ := r.FieldPos(0)
	row := sheetRow{place: place{Line: line, Cells: map[string]position{}}}
	members, metadata := map[string]any{}, map[string]string{}
	for i, cell := range cells {
		cell = strings.TrimSpace(cell)
		if cell == "" {
			continue
		}
		line, column := r.FieldPos(i)
		at := position{line, column}
		switch {
		case i >= len(c):
			row.err = errRow.WithDetail(fmt.Sprintf("%s: the row has more cells than the table has columns.", at))
			return row
		case !utf8.ValidString(cell):
			row.err = errRow.WithDetail(fmt.Sprintf("%s (%s): is not UTF-8.", at, c[i]))
			return row
		}
		row.place.Cells[c[i]] = at
		switch name := c[i]; name {
		case "teams":
			for called := range strings.SplitSeq(cell, ";") {
				if called = strings.TrimSpace(called); called != "" {
					row.teams = append(row.teams, called)
				}
			}
		case "monthly_limit", "daily_limit":
			amount, err := limitOf(cell)
			if err != nil {
				row.err = row.place.locate(fault.InvalidField("/"+name, err.Error()))
				return row
			}
			members[name] = amount
		default:
			if member, ok := strings.CutPrefix(name, metadataColumn); ok {
				metadata[member] = cell
			} else {
				members[name] = cell
			}
		}
	}
	if len(metadata) > 0 {
		members["metadata"] = metadata
	}
	row.entry, row.err = json.Marshal(members, json.Deterministic(true))
	return row
}

// limitOf is a limit as JSON. Where cells are separated by semicolons, decimals tend to
// be by a comma: with one or two places after it, it separates no thousands.
func limitOf(cell string) (jsontext.Value, error) {
	if strings.EqualFold(cell, "unlimited") {
		return jsontext.Value("null"), nil
	}
	if whole, places, ok := strings.Cut(cell, ","); ok && (len(places) == 1 || len(places) == 2) {
		cell = whole + "." + places
	}
	if _, err := money.Parse(cell); err != nil {
		return nil, errUnlimited
	}
	return jsontext.Value(cell), nil
}
