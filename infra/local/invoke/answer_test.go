package main

import "testing"

func TestPretty(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ answer, want string }{
		"JSON body is opened": {
			answer: `{"statusCode":201,"headers":{"etag":"\"1\""},"body":"{\"z\":1,\"a\":\"<b>\"}"}`,
			want: `{
  "body": {
    "z": 1,
    "a": "<b>"
  },
  "headers": {
    "etag": "\"1\""
  },
  "statusCode": 201
}`,
		},
		"base64 body is opened": {
			answer: `{"statusCode":200,"body":"WzFd","isBase64Encoded":true}`,
			want: `{
  "body": [
    1
  ],
  "isBase64Encoded": true,
  "statusCode": 200
}`,
		},
		"other body stays a string": {
			answer: `{"statusCode":200,"body":"<p>hi</p>"}`,
			want: `{
  "statusCode": 200,
  "body": "<p>hi</p>"
}`,
		},
		"other answer is indented only": {
			answer: `{"checked":12345678901234567890,"body":"{}"}`,
			want: `{
  "checked": 12345678901234567890,
  "body": "{}"
}`,
		},
		"no answer":          {answer: `null`, want: `null`},
		"answer is no JSON":  {answer: `done`, want: `done`},
		"answer is no bytes": {answer: ``, want: ``},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := pretty([]byte(test.answer)); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}
