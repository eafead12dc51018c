using System.Globalization;
using System.Text.Json;

namespace SecondhandTrade.Local;

/// <summary>
/// The subset of CEL for routing rules and circuit breaker trips: paths, strings, numbers, true and false, lists,
/// comparisons, <c>in</c>, <c>&amp;&amp;</c>, <c>||</c>, <c>!</c> and parentheses. Anything else is rejected at parse time.
/// </summary>
internal sealed class Cel
{
    private readonly Func<Func<string[], object?>, object?> evaluate;

    private Cel(string text, Func<Func<string[], object?>, object?> evaluate) => (Text, this.evaluate) = (text, evaluate);

    public string Text { get; }

    public static Cel Parse(string text, Func<string[], bool> isKnown, string where)
    {
        try
        {
            var parser = new Parser(Tokens(text), isKnown);
            var tree = parser.Or();
            parser.End();
            return new Cel(text, tree);
        }
        catch (FormatException e)
        {
            throw new LocalRunnerException(
                $"{where}: the expression '{text}' is not supported locally ({e.Message}); use paths, strings, numbers, lists, == != < <= > >= in && || ! and parentheses only.");
        }
    }

    /// <summary>Evaluates the expression; like CEL, throws when a path does not exist.</summary>
    public bool IsTrue(Func<string[], object?> value) =>
        evaluate(value) is bool b ? b : throw new InvalidDataException($"'{Text}' did not evaluate to true or false");

    public static object? Field(JsonElement root, ReadOnlySpan<string> path)
    {
        var at = root;
        foreach (var name in path)
        {
            at = at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var next)
                ? next
                : throw new InvalidDataException($"no such key: {name}");
        }

        return at.ValueKind switch
        {
            JsonValueKind.String => at.GetString(),
            JsonValueKind.Number => at.GetDouble(),
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            JsonValueKind.Null => null,
            JsonValueKind.Array => at.EnumerateArray().Select(e => Field(e, [])).ToArray(),
            _ => at.GetRawText(),
        };
    }

    private static List<string> Tokens(string text)
    {
        var tokens = new List<string>();
        for (var i = 0; i < text.Length;)
        {
            var c = text[i];
            var start = i;
            if (char.IsWhiteSpace(c))
            {
                i++;
                continue;
            }

            if (c is '"' or '\'')
            {
                var end = text.IndexOf(c, i + 1);
                if (end < 0 || text.AsSpan(i, end - i).Contains('\\'))
                {
                    throw new FormatException("an unterminated string, or one with an escape sequence");
                }

                tokens.Add('"' + text[(i + 1)..end]);
                i = end + 1;
                continue;
            }

            if (char.IsLetterOrDigit(c) || c == '_')
            {
                while (i < text.Length && (char.IsLetterOrDigit(text[i]) || text[i] is '_' or '.'))
                {
                    i++;
                }

                tokens.Add(text[start..i]);
                continue;
            }

            var two = i + 1 < text.Length ? text.Substring(i, 2) : "";
            if (two is "==" or "!=" or "<=" or ">=" or "&&" or "||")
            {
                tokens.Add(two);
                i += 2;
                continue;
            }

            tokens.Add(c is '<' or '>' or '!' or '(' or ')' or '[' or ']' or ',' ? c.ToString() : throw new FormatException($"unexpected character '{c}'"));
            i++;
        }

        return tokens;
    }

    private sealed class Parser(List<string> tokens, Func<string[], bool> isKnown)
    {
        private int at;

        private string? Peek => at < tokens.Count ? tokens[at] : null;

        public void End()
        {
            if (Peek is { } extra)
            {
                throw new FormatException($"unexpected '{extra}' after the expression");
            }
        }

        public Func<Func<string[], object?>, object?> Or()
        {
            var left = And();
            while (Take("||"))
            {
                var (a, b) = (left, And());
                left = v => Logic(a, b, v, decides: true);
            }

            return left;
        }

        private Func<Func<string[], object?>, object?> And()
        {
            var left = Comparison();
            while (Take("&&"))
            {
                var (a, b) = (left, Comparison());
                left = v => Logic(a, b, v, decides: false);
            }

            return left;
        }

        // As in CEL, an operand that decides the result hides an error in the other one, on whichever side it is.
        private static bool Logic(Func<Func<string[], object?>, object?> left, Func<Func<string[], object?>, object?> right, Func<string[], object?> value, bool decides)
        {
            InvalidDataException? error = null;
            foreach (var operand in new[] { left, right })
            {
                try
                {
                    if ((operand(value) is bool truth ? truth : throw new InvalidDataException("'&&' and '||' need true or false")) == decides)
                    {
                        return decides;
                    }
                }
                catch (InvalidDataException e)
                {
                    error ??= e;
                }
            }

            return error is null ? !decides : throw error;
        }

        private Func<Func<string[], object?>, object?> Comparison()
        {
            var left = Operand();
            if (Peek is not ("==" or "!=" or "<" or "<=" or ">" or ">=" or "in"))
            {
                return left;
            }

            var sign = tokens[at++];
            var right = Operand();
            return sign switch
            {
                "==" => v => Equals(left(v), right(v)),
                "!=" => v => !Equals(left(v), right(v)),
                "in" => v => right(v) is object?[] list ? list.Contains(left(v)) : throw new InvalidDataException("'in' needs a list"),
                "<" => v => Order(left(v), right(v)) < 0,
                "<=" => v => Order(left(v), right(v)) <= 0,
                ">" => v => Order(left(v), right(v)) > 0,
                _ => v => Order(left(v), right(v)) >= 0,
            };
        }

        private Func<Func<string[], object?>, object?> Operand()
        {
            if (Take("!"))
            {
                var inner = Operand();
                return v => inner(v) is bool b ? !b : throw new InvalidDataException("'!' needs true or false");
            }

            if (Take("("))
            {
                var inner = Or();
                Expect(")");
                return inner;
            }

            if (Take("["))
            {
                var items = new List<Func<Func<string[], object?>, object?>>();
                while (!Take("]"))
                {
                    items.Add(Operand());
                    if (Peek != "]")
                    {
                        Expect(",");
                    }
                }

                return v => items.Select(i => i(v)).ToArray();
            }

            var token = Peek ?? throw new FormatException("unexpected end");
            at++;
            if (token[0] == '"')
            {
                var text = token[1..];
                return _ => text;
            }

            if (double.TryParse(token, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
            {
                return _ => number;
            }

            if (token is "true" or "false")
            {
                var truth = token == "true";
                return _ => truth;
            }

            var path = token.Split('.');
            return char.IsLetter(token[0]) && isKnown(path) && Peek != "("
                ? v => v(path)
                : throw new FormatException($"'{token}' is not known here");
        }

        private bool Take(string token)
        {
            if (Peek != token)
            {
                return false;
            }

            at++;
            return true;
        }

        private void Expect(string token)
        {
            if (!Take(token))
            {
                throw new FormatException($"'{token}' is missing");
            }
        }

        private static int Order(object? left, object? right) => (left, right) switch
        {
            (double a, double b) => a.CompareTo(b),
            (string a, string b) => string.CompareOrdinal(a, b),
            _ => throw new InvalidDataException("operands of these types cannot be compared"),
        };
    }
}
