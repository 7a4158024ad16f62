/* SPDX-License-Identifier: ISC */
#include "slack/words.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

enum language {
	EN,
	DE,
	LANGUAGES
};

static const char *const languages[LANGUAGES] = { "en", "de" };

static const char *const table[WORDS_COUNT][LANGUAGES] = {
	[WORDS_THINKING] = { "Thinking...", "Ich denke nach ..." },

	[WORDS_RATE] = { "I'm receiving too many requests right now. Please"
			 " try again in a moment.",
			 "Im Moment kommen zu viele Anfragen. Bitte gleich noch"
			 " einmal versuchen." },
	[WORDS_NO_AGENT_YET] = { "No agent is set up here yet. Please ask your"
				 " administrator.",
				 "Hier ist noch kein Agent eingerichtet. Bitte"
				 " bei der Administration nachfragen." },
	[WORDS_FORGOTTEN] = { "I don't remember that any more. Please ask again.",
			      "Daran erinnere ich mich nicht mehr. Bitte noch"
			      " einmal fragen." },
	[WORDS_NOT_THE_ASKER] = { "Only the person who asked can do that.",
				  "Das kann nur, wer gefragt hat." },
	[WORDS_WHAT_ASK] = { "What would you like to know? Write it after the"
			     " command.",
			     "Worum geht es? Bitte die Frage hinter den Befehl"
			     " schreiben." },
	[WORDS_NO_DIRECT] = { "I don't answer direct messages. Please ask me in"
			      " a channel.",
			      "Auf Direktnachrichten antworte ich nicht. Bitte"
			      " in einem Channel fragen." },
	[WORDS_NO_CHANNEL] = { "I don't answer in this channel.",
			       "In diesem Channel antworte ich nicht." },
	[WORDS_NO_PERSON] = { "I may not answer you. Your administrator decides"
			      " who may ask me.",
			      "Hier darf ich nicht antworten. Wer mich fragen"
			      " darf, entscheidet die Administration." },
	[WORDS_NO_GUEST] = { "I may not answer guests of this workspace.",
			     "Gästen dieses Workspaces darf ich nicht"
			     " antworten." },
	[WORDS_NO_STRANGER] = { "I may answer people of this workspace only.",
				"Ich darf nur Leuten aus diesem Workspace"
				" antworten." },
	[WORDS_UNSURE] = { "I can't find out whether I may answer you. Please"
			   " try again in a few minutes, or tell your"
			   " administrator.",
			   "Ich kann nicht herausfinden, ob ich antworten darf."
			   " Bitte in ein paar Minuten noch einmal versuchen"
			   " oder der Administration Bescheid geben." },
	[WORDS_OVER_BUDGET] = { "{whose} of {what} is used up for {period}."
				" There is more from {when} on.",
				"{whose} an {what} ist für {period}"
				" aufgebraucht. Ab {when} gibt es wieder"
				" etwas." },
	[WORDS_BUDGET_OF_TENANT] = { "Our common budget",
				     "Unser gemeinsames Budget" },
	[WORDS_BUDGET_OF_CHANNEL] = { "This channel's budget",
				      "Das Budget dieses Channels" },
	[WORDS_BUDGET_OF_PERSON] = { "Your budget", "Das persönliche Budget" },
	[WORDS_REQUESTS] = { "requests", "Anfragen" },
	[WORDS_TOKENS] = { "tokens", "Tokens" },
	[WORDS_TODAY] = { "today", "heute" },
	[WORDS_THIS_MONTH] = { "this month", "diesen Monat" },

	[WORDS_TIMEOUT] = { "Sorry, this took too long and I stopped. Please"
			    " try again.",
			    "Das hat leider zu lange gedauert, und ich habe"
			    " aufgehört. Bitte noch einmal versuchen." },
	[WORDS_BUSY] = { "Sorry, my language model is too busy right now."
			 " Please try again in a few minutes.",
			 "Mein Sprachmodell ist gerade leider überlastet. Bitte"
			 " in ein paar Minuten noch einmal versuchen." },
	[WORDS_REFUSED] = { "Sorry, my language model doesn't let me in."
			    " Please tell your administrator.",
			    "Mein Sprachmodell lässt mich leider nicht ein."
			    " Bitte der Administration Bescheid geben." },
	[WORDS_TOO_LONG] = { "Sorry, this is more text than I can take in."
			     " Please start a new thread, or ask with less.",
			     "Das ist leider mehr Text, als ich aufnehmen kann."
			     " Bitte einen neuen Thread beginnen oder mit"
			     " weniger fragen." },
	[WORDS_BROKEN] = { "Sorry, I lost the connection to my language model."
			   " Please try again.",
			   "Die Verbindung zu meinem Sprachmodell ist leider"
			   " abgerissen. Bitte noch einmal versuchen." },
	[WORDS_OFF] = { "Sorry, my language model has been failing for a"
			" while. Please try again in a few minutes.",
			"Mein Sprachmodell ist leider seit einer Weile gestört."
			" Bitte in ein paar Minuten noch einmal versuchen." },
	[WORDS_ERROR] = { "Sorry, my language model reported an error. Please"
			  " try again, or tell your administrator.",
			  "Mein Sprachmodell hat leider einen Fehler gemeldet."
			  " Bitte noch einmal versuchen oder der"
			  " Administration Bescheid geben." },
	[WORDS_EMPTY] = { "Sorry, I have no answer to that. Please try to ask"
			  " in another way.",
			  "Darauf habe ich leider keine Antwort. Bitte einmal"
			  " anders fragen." },
	[WORDS_FILTERED] = { "Sorry, a content filter stopped my answer. Please"
			     " try to ask in another way.",
			     "Ein Inhaltsfilter hat meine Antwort leider"
			     " angehalten. Bitte einmal anders fragen." },
	[WORDS_DEAD] = { "Sorry, I tried several times and could not answer"
			 " this. Please ask again, or tell your administrator.",
			 "Ich habe es leider mehrmals vergeblich versucht."
			 " Bitte noch einmal fragen oder der Administration"
			 " Bescheid geben." },
	[WORDS_UNSHOWN] = { "Sorry, Slack doesn't let me show my answer here.",
			    "Slack lässt mich meine Antwort hier leider nicht"
			    " zeigen." },
	[WORDS_STALE] = { "Sorry, I was away for too long to answer this in"
			  " time. If it still matters, please ask again.",
			  "Ich war leider zu lange weg, um das rechtzeitig zu"
			  " beantworten. Falls es noch wichtig ist, bitte noch"
			  " einmal fragen." },
	[WORDS_NO_AGENT] = { "Sorry, nobody is set up here any more who could"
			     " answer this. Please ask your administrator.",
			     "Hier ist leider niemand mehr eingerichtet, der das"
			     " beantworten könnte. Bitte bei der Administration"
			     " nachfragen." },
	[WORDS_REF] = { " (ref. {ref})", " (Ref. {ref})" },

	[WORDS_PARKED] = { "I'm being restarted. My answer will come here in a"
			   " moment.",
			   "Ich werde gerade neu gestartet. Meine Antwort kommt"
			   " gleich hierher." },
	[WORDS_QUEUE] = { "There is a queue: {ahead} of your company's"
			  " questions are before this one. My answer will come"
			  " here.",
			  "Es gibt eine Warteschlange: Vor dieser Frage sind"
			  " noch andere aus der Firma, und zwar {ahead}. Meine"
			  " Antwort kommt hierher." },
	[WORDS_QUEUE_NEXT] = { "There is a queue, and this question is next. My"
			       " answer will come here.",
			       "Es gibt eine Warteschlange, und diese Frage ist"
			       " die nächste. Meine Antwort kommt hierher." },
	[WORDS_CUT_BY_MODEL] = { "_My answer ends here: it reached the length"
				 " limit._",
				 "_Meine Antwort endet hier: Sie hat die"
				 " Längengrenze erreicht._" },
	[WORDS_CUT_BY_US] = { "_My answer ends here: it is too long to be"
			      " shown._",
			      "_Meine Antwort endet hier: Sie ist zu lang, um"
			      " gezeigt zu werden._" },
	[WORDS_STOPPED] = { "_Stopped._", "_Angehalten._" },
	[WORDS_MUTED] = { "All right, I keep out of this thread until somebody"
			  " mentions me.",
			  "In Ordnung, ich halte mich aus diesem Thread heraus,"
			  " bis mich jemand erwähnt." },

	[WORDS_UNREAD] = { "_I couldn't read_ `{name}`_: {why}._",
			   "_Nicht gelesen habe ich_ `{name}`_: {why}._" },
	[WORDS_UNREAD_MORE] = { "_Nor {n} more._", "_Und {n} weitere._" },
	[WORDS_UNREAD_KIND] = { "I can only read text and images",
				"Ich kann nur Texte und Bilder lesen" },
	[WORDS_UNREAD_BLIND] = { "I can't see images here",
				 "Bilder kann ich hier nicht sehen" },
	[WORDS_UNREAD_LARGE] = { "this image is too large for me",
				 "Das Bild ist mir zu groß" },
	[WORDS_UNREAD_MANY] = { "these were more files than I read at once",
				"So viele Dateien auf einmal lese ich nicht" },
	[WORDS_UNREAD_SCOPE] = { "I'm not allowed to read files here; your"
				 " administrator can give this app the"
				 " permission files:read",
				 "Ich darf hier keine Dateien lesen; dazu muss"
				 " die Administration der App das Recht"
				 " files:read geben" },
	[WORDS_UNREAD_OUTSIDE] = { "it isn't kept in Slack",
				   "Die Datei liegt nicht in Slack" },
	[WORDS_UNREAD_GONE] = { "it was deleted, or isn't shared with me",
				"Die Datei wurde gelöscht oder ist nicht für"
				" mich freigegeben" },
	[WORDS_UNREAD_FAILED] = { "Slack didn't hand it out; please try again",
				  "Slack hat die Datei nicht geliefert; bitte"
				  " noch einmal versuchen" },
	[WORDS_UNREAD_LATE] = { "Slack took too long to hand it out; please try"
				" again",
				"Slack hat zu lange gebraucht; bitte noch"
				" einmal versuchen" },
	[WORDS_UNREAD_ROOM] = { "I'm reading too many files just now; please"
				" try again",
				"Ich lese gerade zu viele Dateien; bitte noch"
				" einmal versuchen" },

	[WORDS_HELLO_CHANNEL] = { "Hello! I am {name}, {role}, an AI. Mention me"
				  " with a question, and I answer in its"
				  " thread.",
				  "Hallo! Ich bin {name}, {role}, eine KI. Wer"
				  " mich mit einer Frage erwähnt, bekommt im"
				  " Thread dazu eine Antwort." },
	[WORDS_HELLO_DIRECT] = { "Hello! I am {name}, {role}, an AI. Ask me"
				 " anything; I answer in the thread of your"
				 " question.",
				 "Hallo! Ich bin {name}, {role}, eine KI. Frag"
				 " mich etwas; ich antworte im Thread deiner"
				 " Frage." },
	[WORDS_HOME_WHO] = { "I am {name}, {role}: an AI, and no person.",
			     "Ich bin {name}, {role}: eine KI, kein Mensch." },
	[WORDS_HOME_HOW] = {
		"*What you can do*\n"
		"• Write to me in *Messages*, or mention me in a channel. I"
		" answer in the thread, and go on there without a mention.\n"
		"• Stop an answer with its button or with ❌, and send me out"
		" of a thread with 🔇.\n"
		"• Edit or delete your question while I write, and I follow.",
		"*Was du tun kannst*\n"
		"• Schreib mir unter *Nachrichten*, oder erwähne mich in einem"
		" Channel. Ich antworte im Thread, und dort weiter ohne"
		" Erwähnung.\n"
		"• Halte eine Antwort mit ihrem Knopf oder mit ❌ an, und"
		" schick mich mit 🔇 aus einem Thread.\n"
		"• Ändere oder lösche deine Frage, während ich schreibe, und"
		" ich richte mich danach.",
	},
	[WORDS_HOME_LEFT] = { "What is left to you: {n} {what}. There is more"
			      " from {when} on.",
			      "Dir bleiben noch {n} {what}. Ab {when} gibt es"
			      " wieder mehr." },

	[WORDS_TRY_WHAT] = { "What can you do?", "Was kannst du?" },
	[WORDS_TRY_WHAT_TEXT] = { "What can you help me with, and what not?",
				  "Wobei kannst du mir helfen, und wobei"
				  " nicht?" },
	[WORDS_TRY_WRITE] = { "Help me to write", "Hilf mir beim Schreiben" },
	[WORDS_TRY_WRITE_TEXT] = { "Help me to write a message. Ask me to whom,"
				   " and what it should say.",
				   "Hilf mir, eine Nachricht zu schreiben. Frag"
				   " mich, an wen, und was darin stehen"
				   " soll." },
	[WORDS_TRY_EXPLAIN] = { "Explain something", "Erkläre mir etwas" },
	[WORDS_TRY_EXPLAIN_TEXT] = { "I want to understand something. Ask me"
				     " what, and what I know of it already.",
				     "Ich möchte etwas verstehen. Frag mich,"
				     " was, und was ich davon schon weiß." },
	[WORDS_AT_WORK] = { "is thinking...", "denkt nach ..." },

	[WORDS_ASK_ABOUT] = { "Ask about this", "Dazu fragen" },
	[WORDS_ASK] = { "Ask", "Fragen" },
	[WORDS_CANCEL] = { "Cancel", "Abbrechen" },
	[WORDS_YOUR_QUESTION] = { "Your question", "Deine Frage" },
	[WORDS_NOT_A_MEMBER] = { "I'm not part of this conversation, so I can't"
				 " answer here. Add me first (/invite"
				 " {bot}), or ask me in a direct message.",
				 "Ich gehöre nicht zu dieser Unterhaltung und"
				 " kann hier nicht antworten. Bitte erst"
				 " hinzufügen (/invite {bot}) oder direkt"
				 " anschreiben." },
	[WORDS_ASK_HINT] = { "The answer comes in the thread.",
			     "Die Antwort kommt in den Thread." },
	[WORDS_STOP] = { "Stop", "Anhalten" },
	[WORDS_AGAIN] = { "Regenerate", "Noch einmal" },
	[WORDS_SHARE] = { "Share", "Teilen" },
	[WORDS_GOOD] = { "Good answer", "Gute Antwort" },
	[WORDS_BAD] = { "Bad answer", "Schlechte Antwort" },
};

/* "de" of "de", "de-AT" and "de_AT". */
static bool is_of(const char *locale, const char *language)
{
	size_t n = strlen(language);

	return strncasecmp(locale, language, n) == 0 &&
	       (locale[n] == '\0' || locale[n] == '-' || locale[n] == '_');
}

static size_t language_of(const char *locale)
{
	size_t i = 0;

	while (locale && i < LANGUAGES && !is_of(locale, languages[i]))
		i++;
	return locale ? i : LANGUAGES;
}

bool words_speak(const char *locale)
{
	return language_of(locale) < LANGUAGES;
}

const char *words_language(size_t n)
{
	return n < LANGUAGES ? languages[n] : NULL;
}

const char *words_get(enum words w, const char *locale)
{
	size_t i = language_of(locale);

	return table[w][i < LANGUAGES ? i : EN];
}

/* What to put in for the name of n bytes; NULL: nothing is called so. */
static const char *value_of(const struct words_fill *f, const char *name,
			    size_t n)
{
	for (; f && f->name; f++)
		if (strlen(f->name) == n && memcmp(f->name, name, n) == 0)
			return f->value;
	return NULL;
}

int words_add(struct buf *out, enum words w, const char *locale,
	      const struct words_fill *fill)
{
	const char *p = words_get(w, locale);
	const char *value;
	size_t n;

	while (*p != '\0') {
		n = strcspn(p, "{");
		(void)buf_add(out, p, n);
		p += n;
		if (*p == '\0')
			break;
		n = strcspn(p, "}");
		value = value_of(fill, p + 1, n - 1);
		if (value)
			(void)buf_adds(out, value);
		else
			(void)buf_add(out, p, n + 1);
		p += n + 1;
	}
	return out->failed ? -1 : 0;
}
