// Package csvfile writes tables as CSV (RFC 4180) for people who open them with a
// spreadsheet: nothing in them runs there.
package csvfile

import "strings"

// File is a table; its first row names the columns.
type File struct {
	text []byte
	// rows begin in the text after the names of the columns; there are so many.
	rows, count int
}

// New begins a table with the names of its columns.
func New(columns ...string) *File {
	f := new(File)
	f.add(columns)
	f.rows = len(f.text)
	return f
}

// Add adds a row.
func (f *File) Add(cells ...string) {
	f.add(cells)
	f.count++
}

func (f *File) add(cells []string) {
	for i, cell := range cells {
		if i > 0 {
			f.text = append(f.text, ',')
		}
		f.text = append(f.text, quoted(harmless(cell))...)
	}
	f.text = append(f.text, "\r\n"...)
}

// Bytes is the table as it is so far.
func (f *File) Bytes() []byte { return f.text }

// Rows is the table without the names of its columns, to go on with one.
func (f *File) Rows() []byte { return f.text[f.rows:] }

// Len is how many rows there are besides the names.
func (f *File) Len() int { return f.count }

// begins are the characters by which spreadsheets know a formula, in both widths,
// and those that they skip before one.
// https://owasp.org/www-community/attacks/CSV_Injection
const begins = "=+-@\t\r\n＝＋－＠"

// harmless puts an apostrophe before what a spreadsheet would take for a formula:
// it then shows the text. A plain number stays one.
func harmless(cell string) string {
	if cell == "" || number(cell) {
		return cell
	}
	if strings.ContainsAny(firstOf(cell), begins) {
		return "'" + cell
	}
	return cell
}

// firstOf is the first character that is no space.
func firstOf(cell string) string {
	for _, r := range strings.TrimLeft(cell, " \u00a0\u3000") {
		return string(r)
	}
	return ""
}

// number reports whether a cell is a decimal number.
func number(cell string) bool {
	digits := strings.TrimPrefix(cell, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	decimal := func(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
	return decimal(whole) && (!point || decimal(fraction))
}

func quoted(cell string) string {
	special := func(r rune) bool { return r < ' ' || r == ',' || r == '"' }
	if !strings.ContainsFunc(cell, special) && strings.TrimSpace(cell) == cell {
		return cell
	}
	return `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
}
