"""Patterns for names: of buttons and boxes in several languages, of fields and headers in payloads."""

from __future__ import annotations

import re


def _any(*words: str) -> re.Pattern[str]:
    return re.compile("|".join(words), re.IGNORECASE)


NEW_CHAT = _any(
    r"\bnew[\s_-]*(chat|conversation|session|thread|dialog(ue)?|topic)\b", r"\bstart (a )?(new|over|again)\b", r"\bnew[-_]?chat",
    r"\bneue[rsn]? (chat|unterhaltung|gespräch|konversation|sitzung)", r"\bneu (starten|beginnen)",
    r"\bnouve(au|lle) (chat|discussion|conversation|session)", r"\bnueva? (chat|conversaci[oó]n|sesi[oó]n)", r"\bnuov[oa] (chat|conversazione|sessione)",
    r"\bnov[ao] (chat|conversa|sess[aã]o)", r"\bnieuw(e)? (chat|gesprek|sessie)", r"\bnow[ya] (czat|rozmowa|konwersacja|sesja)",
    r"\bнов(ый|ая|ое) (чат|диалог|разговор|беседа|сессия)", r"新(しい|規)?(チャット|会話|セッション|スレッド)", r"新(建|的|对|會|会)*(聊天|对话|對話|会话)", r"새로?운?\s*(채팅|대화|세션)",
)  # fmt: skip
RESET = _any(
    r"\b(reset|clear|restart|erase)( (the )?(chat|conversation|session|history|all))?\b", r"\bcompose\b", r"\bzurücksetzen", r"\bleeren",
    r"\bréinitialiser", r"\beffacer", r"\breiniciar", r"\bborrar", r"\bcancella", r"\blimpar", r"\bwissen", r"\bwyczyść", r"\bочистить", r"リセット", r"クリア", r"清空", r"重置", r"초기화",
)  # fmt: skip
END_CHAT = _any(
    r"\b(end|finish|leave|quit|close)( the| this)? (chat|conversation|session|dialog(ue)?)\b", r"\b(chat|gespräch|unterhaltung|sitzung) (beenden|schließen)",
    r"\b(terminer|quitter|fermer) (le|la) (chat|discussion|conversation|session)", r"\b(terminar|finalizar|cerrar) (el |la )?(chat|conversaci[oó]n|sesi[oó]n)",
    r"\b(termina|chiudi) (la )?(chat|conversazione|sessione)", r"\b(encerrar|terminar) (o |a )?(chat|conversa|sess[aã]o)", r"(チャット|会話)を終了", r"结束(聊天|对话|会话)", r"(채팅|대화) (종료|끝내기)",
)  # fmt: skip
"""Buttons of support widgets: the next message begins a new chat."""
SEND = _any(
    r"\bsend\b", r"\bsubmit\b", r"\bask\b", r"\bsenden\b", r"\babschicken", r"\benvoyer", r"\benviar", r"\binvia\b", r"\bversturen", r"\bverzenden",
    r"\bwyślij", r"\bотправить", r"送信", r"发送", r"發送", r"提交", r"보내기", r"전송",
)  # fmt: skip
STOP = _any(
    r"\bstop\b", r"\babort\b", r"\bcancel (reply|response|generat)", r"\bstopp", r"\banhalten", r"\babbrechen", r"\barrêter", r"\bdetener", r"\bparar\b",
    r"\bferma", r"\binterrompi", r"\bstoppen", r"\bzatrzymaj", r"\bостановить", r"\bстоп\b", r"停止", r"中止", r"중지", r"정지",
)  # fmt: skip
MESSAGE = _any(
    r"message", r"\bask\b", r"\btype\b", r"\bwrite\b", r"\bchat\b", r"prompt", r"question", r"nachricht", r"frag", r"schreib", r"écri", r"posez", r"mensaje",
    r"escrib", r"messaggio", r"scrivi", r"mensagem", r"escreva", r"bericht", r"wiadomo", r"napisz", r"сообщени", r"напиш", r"メッセージ", r"入力", r"消息", r"输入", r"輸入", r"메시지", r"입력",
)  # fmt: skip
SEARCH = _any(
    r"search", r"filter", r"such", r"recherch", r"buscar", r"cerca", r"zoek", r"szukaj", r"поиск", r"検索", r"搜索", r"검색", r"e-?mail", r"password", r"\burl\b"
)  # fmt: skip
ACCEPT = _any(
    r"\b(accept|agree|allow)( all| cookies)?\b", r"\bgot it\b", r"\bok(ay)?\b", r"\bi understand", r"\bcontinue\b", r"\bclose\b", r"\bdismiss\b", r"\bakzeptieren",
    r"\bzustimmen", r"\bverstanden", r"\balle annehmen", r"\baccepter", r"\baceptar", r"\baccett", r"\baceitar", r"\baccepteren", r"\bakcept", r"\bпринять", r"同意", r"接受", r"동의",
)  # fmt: skip
CONFIRM = _any(
    r"\b(yes|ok(ay)?|confirm|continue|start|proceed|new|clear|delete|reset|discard|leave)\b", r"\bja\b", r"\bbestätigen", r"\bweiter\b", r"\bstarten\b", r"\blöschen", r"\boui\b",
    r"\bconfirmer", r"\bsí\b", r"\bconfirmar", r"\bsì\b", r"\bconferma", r"\bsim\b", r"\bbevestig", r"\btak\b", r"\bпотвердить", r"\bда\b", r"はい", r"確認", r"确定", r"确认", r"確定", r"확인", r"예",
)  # fmt: skip
REFUSE = _any(
    r"\b(cancel|no|back|keep|stay|close|abort|not now)\b", r"\babbrechen", r"\bnein\b", r"\bannuler", r"\bnon\b", r"\bcancelar", r"\bannulla", r"\bannuleren", r"\bnee\b",
    r"\banuluj", r"\bнет\b", r"\bотмена", r"キャンセル", r"いいえ", r"取消", r"취소",
)  # fmt: skip
MENU = _any(
    r"menu",
    r"more",
    r"option",
    r"conversation",
    r"chat",
    r"history",
    r"sidebar",
    r"navigation",
    r"\bthreads?\b",
    r"⋮|⋯|☰|…|\.\.\.|≡",
)
OPEN_CHAT = _any(
    r"\b(start|begin|open|launch|join|try|continue to)\b.{0,20}\b(chat|conversation|talk|assistant|bot)", r"\b(start|begin) (chatting|talking|now)\b",
    r"\b(chat|talk|speak)( (now|here|to|with))?\b", r"\b(ask|message) (us|me|a question)\b", r"\bneed help\b", r"\b(live|support) chat\b", r"\bget started\b",
    r"\bassistant\b", r"\bhelp\b", r"\bsupport\b", r"messenger", r"launcher", r"\bbubble\b", r"\bchat", r"\bunterhalt", r"\bfragen\b", r"\bhilfe\b", r"\bdiscut", r"\bdiscuter",
    r"\bayuda", r"\baiuto", r"\bajuda", r"\bpomoc", r"\bчат", r"\bпомощь", r"チャット", r"聊天", r"채팅",
)  # fmt: skip
START = _any(
    r"\b(start|begin|launch|open|enter|try it|get started|continue|next|hello|hi)\b",
    r"\bstarten\b",
    r"\bcommencer",
    r"\bempezar",
    r"\binizia",
)
CONSENT = _any(
    r"cookie",
    r"consent",
    r"gdpr",
    r"privacy",
    r"datenschutz",
    r"confidentialité",
    r"privacidad",
    r"welcome",
    r"terms",
)
LIMIT = _any(
    r"limit reached",
    r"daily limit",
    r"too many",
    r"rate limit",
    r"quota",
    r"try again (later|tomorrow)",
    r"limit erreicht",
)
CAPTCHA = _any(
    r"captcha",
    r"\bare you (a )?(human|robot)",
    r"\bnot a robot\b",
    r"\bkein roboter\b",
    r"verify (that )?you are human",
)
LOGIN = _any(
    r"\b(log|sign)[ -]?in\b",
    r"\banmelden\b",
    r"\beinloggen\b",
    r"\bse connecter\b",
    r"\biniciar sesión\b",
    r"\baccedi\b",
    r"\binloggen\b",
    r"\bвойти\b",
    r"ログイン",
    r"登录",
    r"로그인",
)

SESSION_NAME = re.compile(
    r"session|conversation|chat|thread|room|dialog|\bsid\b|\bcid\b|channel|topic", re.IGNORECASE
)
OTHER_ID_NAME = re.compile(
    r"user|client|device|visitor|anonymous|token|auth|csrf|xsrf|request|message|msg|parent|trace|span|tab|install|account|tenant|org|project|nonce|version|model",
    re.IGNORECASE,
)
PROVIDER_NAME = re.compile(
    r"provider|model|agent|assistant|author|backend|node|region|host|served|server|upstream|worker|bot\b|persona|deployment|engine|vendor|speaker|sender|from\b"
    r"|operator|advisor|llm|replica|instance|(answered|handled|responded|generated|processed|written|sent)[\s_-]*by|(routed|assigned)[\s_-]*to",
    re.IGNORECASE,
)
KIND_NAME = re.compile(
    r"type|op|event|method|kind|action|name|path|operation|command|cmd|topic|channel|role|target|query|function|fn|route",
    re.IGNORECASE,
)
TELEMETRY = re.compile(
    r"analytic|telemetry|/track|collect\b|sentry|metric|/log(s|ging)?\b|beacon|posthog|segment|amplitude|datadog|hotjar|/rum|/events?/batch",
    re.IGNORECASE,
)
CHAT_URL = re.compile(
    r"chat|message|completion|conversation|send|ask|query|prompt|generate|stream|respond|talk|say|assist",
    re.IGNORECASE,
)
