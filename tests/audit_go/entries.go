package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// A shape says whether a JSON value is one that FORMAT 2.3 to 2.7 allow in its place.
type shape func(value any) bool

const (
	small  = `[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*`
	layout = "2006-01-02T15:04:05Z"
	part   = `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`
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
	why  = choice("alert-check", "stolen-vehicle", "wanted-person", "missing-person", "investigation", "court-order",
		"records-request", "audit")
	deleted = choice("expired", "ordered", "hold-ended", "quota", "policy-changed", "retired")
	role    = choice("operator", "investigator", "supervisor", "auditor", "administrator", "installer", "program")
	action  = choice("search", "view", "open", "export", "share", "prove", "hold", "release", "answer-request", "audit")
	scope   = choice("record", "period")
	manual  = choice("stolen-vehicle", "stolen-plate", "wanted-person", "missing-person", "endangered-person",
		"investigation", "court-order")
	holder = choice("command", "collector", "hotlist", "policy", "release", "witness", "time-stamp")
	source = choice("ntp", "gnss", "rtc", "manual", "unknown")
	part_  = choice("camera", "aim", "focus", "exposure", "clock", "storage", "models", "policy", "hotlist", "seal",
		"uplink", "audit")
	result    = choice("passed", "failed", "skipped")
	component = choice("software", "system", "detector", "reader", "bundle", "trust-root")
	stage     = choice("installed", "activated", "rolled-back", "refused")
	retired   = choice("decommissioned", "replaced", "moved", "key-rotated", "key-compromised")
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
	"publish":              {"kind": kind, "commitment": sha, "policy_sha256": sha},
	"erased":               {"count": count, "reason": erased},
	"suspended":            {},
	"resumed":              {},
	"clock-step":           {"before": moment},
	"reading-stopped":      {"reason": stopped},
	"reading-started":      {},
	"shutdown":             {},
	"access":               {"purpose": why, "fields": several(name), "commitment": sha},
	"hold":                 {"until": moment},
	"hold-lifted":          {},
	"deletion":             {"reason": deleted, "count": count, "root": sha},
	"config-loaded":        {"sha256": sha},
	"operator-facts":       {"mount": choice("fixed", "mobile")},
	"key-trusted":          {"role": holder, "sha256": sha},
	"key-distrusted":       {"role": holder, "sha256": sha},
	"manual-entry-added":   {"id": token, "reason": manual, "expires": moment},
	"manual-entry-removed": {"id": token, "reason": choice("expired", "withdrawn", "restarted")},
	"delivered":            {"to": name, "count": count},
	"alerts-checked":       {"list": listed, "confirmed": count, "refuted": count},
	"self-test":            {"part": part_, "result": result},
	"calibrated":           {"part": part_, "result": result},
	"aiming-opened":        {"minutes": count},
	"aiming-closed":        {"reason": choice("time-over", "ended", "too-many-tries", "camera"), "entered": count},
	"updated":              {"component": component, "stage": stage},
	"log-repaired":         {"files": count},
	"retired":              {"reason": retired},
}

var optional = map[string]map[string]shape{
	"batch": {"dropped_frames": count, "reads": count, "sightings": count, "manual": count, "holds": count,
		"commitments": sha},
	"publish": {"expires": moment},
	"operator-facts": {"operator": choice("police", "public", "private"), "policy_document_sha256": sha,
		"registration_sha256": sha, "occasion_sha256": sha, "places_sha256": sha, "places": count},
	"suspended":          {"command_sha256": sha},
	"resumed":            {"command_sha256": sha},
	"hot-list-loaded":    {"age_s": count},
	"manual-entry-added": {"actor": token},
	"clock-step":         {"source": source},
	"access":             {"action": action, "actor": token, "role": role, "organisation": name, "results": count},
	"hold":               {"id": token, "scope": scope, "purpose": why, "count": count, "commitment": sha},
	"hold-lifted":        {"id": token, "reason": choice("released", "expired"), "count": count},
	"deletion":           {"due": moment, "policy_sha256": sha},
	"delivered":          {"receipt_sha256": sha},
	"self-test":          {"sha256": sha},
	"calibrated":         {"sha256": sha},
	"updated":            {"version": version, "sha256": sha, "from_version": version},
	"retired":            {"successor_sha256": sha},
}

// What a batch in its short form leaves out where it is zero, and where it is empty (FORMAT 2.10).
var (
	counts = []string{"disclosed", "dropped_frames", "frames", "misses", "plates_found", "reads", "tallied", "unsure"}
	tables = []string{"hits", "suppressed"}
)

// lengthen gives a batch in its short form the keys of the long one, or says why it is none.
func lengthen(document map[string]any) error {
	if _, both := document["start"]; both || !count(document["seconds"]) || !moment(document["time"]) {
		return errors.New("a batch has two beginnings or a wrong one")
	}
	seconds, _ := document["seconds"].(json.Number).Int64()
	end, _ := time.Parse(layout, document["time"].(string))
	if seconds > end.Unix() {
		return errors.New("a batch began before 1970")
	}
	document["start"] = time.Unix(end.Unix()-seconds, 0).UTC().Format(layout)
	delete(document, "seconds")
	for _, key := range counts {
		if value, there := document[key]; there && value == json.Number("0") {
			return errors.New("a short batch says " + key + ", which is zero")
		} else if !there {
			document[key] = json.Number("0")
		}
	}
	for _, key := range tables {
		value, there := document[key].(map[string]any)
		if there && len(value) == 0 {
			return errors.New("a short batch says " + key + ", which is empty")
		} else if _, there := document[key]; !there {
			document[key] = map[string]any{}
		}
	}
	return addUp(document)
}

// addUp fills in the sightings of a short batch: misses, unsure and hits, if none met two lists.
func addUp(document map[string]any) error {
	hits, _ := document["hits"].(map[string]any)
	var sum int64
	for _, value := range append([]any{document["misses"], document["unsure"]}, values(hits)...) {
		if !count(value) {
			return errors.New("a count is no whole number from 0")
		}
		number, _ := value.(json.Number).Int64()
		sum += number
	}
	written := json.Number(strconv.FormatInt(sum, 10))
	if document["sightings"] == written {
		return errors.New("a short batch says sightings, which follow")
	} else if _, there := document["sightings"]; !there {
		document["sightings"] = written
	}
	return nil
}

func values(table map[string]any) (found []any) {
	for _, value := range table {
		found = append(found, value)
	}
	return found
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
	if _, short := document["seconds"]; short && label == "batch" {
		if err := lengthen(document); err != nil {
			return err
		}
	}
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
	parsed, err := time.Parse(layout, found)
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
