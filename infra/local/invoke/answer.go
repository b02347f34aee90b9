package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
)

// pretty indents a function's answer. Where that is an API Gateway response
// with a JSON body, the body is shown as JSON instead of as a string of it.
// An answer that is no JSON is returned as it is.
func pretty(answer []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, openBody(answer), "", "  ") != nil {
		return string(answer)
	}
	return out.String()
}

// openBody replaces the body of an API Gateway response by the JSON in it. It
// returns any other answer unchanged.
func openBody(answer []byte) []byte {
	body, ok := jsonBody(answer)
	if !ok {
		return answer
	}
	var response map[string]json.RawMessage
	if json.Unmarshal(answer, &response) != nil {
		return answer
	}
	response["body"] = body

	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(response) != nil {
		return answer
	}
	return bytes.TrimSpace(out.Bytes())
}

// jsonBody returns the body of an API Gateway response, if it is JSON.
func jsonBody(answer []byte) (json.RawMessage, bool) {
	var response struct {
		StatusCode      int    `json:"statusCode"`
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}
	if json.Unmarshal(answer, &response) != nil || response.StatusCode == 0 {
		return nil, false
	}
	body := []byte(response.Body)
	if response.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(response.Body)
		if err != nil {
			return nil, false
		}
		body = decoded
	}
	return body, json.Valid(body)
}
