package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// A shape says whether a JSON value is one that FORMAT 2.3 to 2.7 allow in its place.
type shape func(value any) bool

const (
	small = `[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*`
	part  = `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`
)

var (
	name    = text(small, 64)
	version = text(`[0-9]+(?:[.+-][0-9a-z]+)+`, 64)
	sha     = text(`[0-9a-f]{64}`, 64)
	token   = text(`[0-9a-f]{16,64}`, 64)
	device  = text(part+`/`+part+`/`+part, 194)
	listed  = text(small+`/`+small, 129)
	purpose = choice("device", "site", "fleet")
	fault   = choice("missing", "malformed", "wrong-mount", "expired", "not-yet-effective", "recipient-missing",
		"bad-signature", "rolled-back")
	erased  = choice("expired", "quota", "pipe-full")
	stopped = choice("no-policy", "policy-expired", "policy-not-yet-effective", "clock-not-trusted", "hotlist-stale",
		"audit-unavailable", "camera", "model", "uplink", "suspended", "source-ended")
	reason = choice("policy-event", "policy-aggregate", "policy-none", "policy-expired", "policy-not-yet-effective",
		"no-policy", "retention-over", "clock-not-trusted", "raw-lifetime-over", "suspended", "audit-unavailable")
	kind = choice("hit", "read", "count", "health", "checkpoint")
)

// The table of FORMAT section 2: what stands beside `type` and `time`, and what may stand there.
var required = map[string]map[string]shape{
	"boot":                {"version": version, "device": device, "boot_id": token},
	"policy-loaded":       {"id": name, "version": version, "sha256": sha},
	"policy-refused":      {"reason": fault},
	"hot-list-loaded":     {"lists": several(name), "sha256": sha, "count": count},
	"models-loaded":       {"detector_sha256": sha, "reader_sha256": sha},
	"recipient-key":       {"name": name, "sha256": sha},
	"epoch-key-created":   {"epoch": token, "purpose": purpose},
	"epoch-key-destroyed": {"epoch": token},
	"batch": {"start": moment, "frames": count, "plates_found": count, "hits": tallies(listed), "misses": count,
		"unsure": count, "suppressed": tallies(reason), "tallied": count, "disclosed": count},
	"publish":         {"kind": kind, "commitment": sha, "policy_sha256": sha},
	"erased":          {"count": count, "reason": erased},
	"suspended":       {},
	"resumed":         {},
	"clock-step":      {"before": moment},
	"reading-stopped": {"reason": stopped},
	"reading-started": {},
	"shutdown":        {},
}

var optional = map[string]map[string]shape{
	"batch":     {"dropped_frames": count, "reads": count, "sightings": count, "commitments": sha},
	"publish":   {"expires": moment},
	"suspended": {"command_sha256": sha},
	"resumed":   {"command_sha256": sha},
}

// checkEntry returns why bytes are no entry, or nil.
func checkEntry(entry []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(entry))
	decoder.UseNumber()
	var document map[string]any
	if err := decoder.Decode(&document); err != nil {
		return fmt.Errorf("it is no JSON object")
	}
	// All keys and texts are ASCII and all numbers whole, so that sorting and printing them is all of RFC 8785.
	if canonical, err := json.Marshal(document); err != nil || !bytes.Equal(canonical, entry) {
		return errors.New("it is not canonical JSON")
	}
	label, _ := document["type"].(string)
	needed, known := required[label]
	if !known {
		return errors.New("its type is unknown")
	}
	if !moment(document["time"]) {
		return errors.New("its time is not RFC 3339 in whole seconds, UTC")
	}
	delete(document, "type")
	delete(document, "time")
	for key, allowed := range needed {
		if value, there := document[key]; !there || !allowed(value) {
			return fmt.Errorf("%s lacks %s, or has it in a form that is not allowed", label, key)
		}
		delete(document, key)
	}
	for key, value := range document {
		if allowed, there := optional[label][key]; !there || !allowed(value) {
			return fmt.Errorf("%s has a key that it must not have, or in a form that is not allowed", label)
		}
	}
	return nil
}

func text(expression string, longest int) shape {
	whole := regexp.MustCompile(`^(?:` + expression + `)$`)
	return func(value any) bool {
		found, ok := value.(string)
		return ok && len(found) <= longest && whole.MatchString(found)
	}
}

func choice(members ...string) shape {
	return func(value any) bool {
		for _, member := range members {
			if value == member {
				return true
			}
		}
		return false
	}
}

var whole = regexp.MustCompile(`^(0|[1-9][0-9]{0,15})$`)

func count(value any) bool {
	number, ok := value.(json.Number)
	if !ok || !whole.MatchString(number.String()) {
		return false
	}
	found, err := number.Int64()
	return err == nil && found < 1<<53
}

func moment(value any) bool {
	found, ok := value.(string)
	if !ok || len(found) != len("2026-09-21T14:13:20Z") {
		return false
	}
	parsed, err := time.Parse("2006-01-02T15:04:05Z", found)
	return err == nil && parsed.Unix() >= 0
}

func several(item shape) shape {
	return func(value any) bool {
		found, ok := value.([]any)
		for _, one := range found {
			ok = ok && item(one)
		}
		return ok
	}
}

func tallies(key shape) shape {
	return func(value any) bool {
		found, ok := value.(map[string]any)
		for name, number := range found {
			ok = ok && key(name) && count(number)
		}
		return ok
	}
}
