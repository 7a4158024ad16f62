-- SPDX-License-Identifier: ISC
--
-- A private channel gets another id when it begins to be shared. What the
-- journal has of it is found under the new one from then on.

SET LOCAL search_path = konstruct, pg_temp;
INSERT INTO migrations (version, works_from) VALUES (7, 4);

-- The frame as it came, with the new id where the old one stands as a JSON
-- string; left alone when it is no UTF-8.
CREATE FUNCTION frame_moved(frame bytea, old text, new text) RETURNS bytea
	LANGUAGE plpgsql IMMUTABLE SET search_path = konstruct, pg_temp AS $$
BEGIN
	RETURN convert_to(replace(convert_from(frame, 'UTF8'),
		'"' || old || '"', '"' || new || '"'), 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
	RETURN frame;
END $$;

-- ';' is the character after ':', so this is all that begins so.
CREATE FUNCTION channel_moved(app text, workspace text, old text, new text)
	RETURNS void LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = konstruct, pg_temp AS $$
DECLARE
	here text := app || ':' || workspace || ':' || old || ':';
	past text := app || ':' || workspace || ':' || old || ';';
	there text := app || ':' || workspace || ':' || new || ':';
BEGIN
	INSERT INTO engaged (key, at_ms)
		SELECT there || substr(e.key, length(here) + 1), e.at_ms
			FROM engaged e WHERE e.key >= here AND e.key < past
		ON CONFLICT (key) DO UPDATE SET
		at_ms = greatest(engaged.at_ms, excluded.at_ms);
	UPDATE pending p SET frame = frame_moved(p.frame, old, new)
		FROM journal j WHERE j.seq = p.seq AND j.app_id = app;
	UPDATE journal j SET claim = there || substr(j.claim, length(here) + 1)
		WHERE j.app_id = app AND j.claim >= here AND j.claim < past;
	UPDATE journal j SET post = new || substr(j.post, length(old) + 1)
		WHERE j.app_id = app AND j.post >= old || ':'
		AND j.post < old || ';';
END $$;
