using Microsoft.Playwright;
using SecondhandTrade.SystemTests;

[assembly: AssemblyFixture(typeof(SecondhandTrade.WebTests.Browser))]

namespace SecondhandTrade.WebTests;

/// <summary>One Chromium for all tests; Debian's, for none is downloaded. Where there is none the tests say so and are skipped.</summary>
public sealed class Browser : IAsyncDisposable
{
    private readonly SemaphoreSlim once = new(1);
    private IPlaywright? playwright;
    private IBrowser? chromium;

    private static string Path => Environment.GetEnvironmentVariable("CHROMIUM_PATH") ?? "/usr/bin/chromium";

    /// <summary>Where screenshots are kept.</summary>
    public static string Screenshots => Environment.GetEnvironmentVariable("SCREENSHOTS") ?? System.IO.Path.Combine(TestTown.Root, "TestResults", "screenshots");

    /// <summary>Someone with a browser of their own before the town's gate.</summary>
    public async Task<Person> Person(TestTown town, string? name = null, string language = "ko-KR", int width = 1280, bool script = true)
    {
        var person = new Person(town, await At(town.Address("gateway"), language, width, script));
        if (name is not null)
        {
            await person.SignIn(name);
        }

        return person;
    }

    /// <summary>A page of a browser of its own, at a town's address; closing the page's context closes it.</summary>
    public async Task<IPage> At(Uri town, string language = "ko-KR", int width = 1280, bool script = true)
    {
        Assert.SkipUnless(File.Exists(Path), $"There is no Chromium at {Path}: apt-get install chromium, or name another in CHROMIUM_PATH.");
        var context = await (await Started()).NewContextAsync(new()
        {
            BaseURL = town.ToString(),
            Locale = language,
            ViewportSize = new() { Width = width, Height = width < 600 ? 780 : 900 },
            JavaScriptEnabled = script,
            ReducedMotion = ReducedMotion.Reduce,
        });
        context.SetDefaultTimeout(15_000);
        return await context.NewPageAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (chromium is not null)
        {
            await chromium.DisposeAsync();
        }

        playwright?.Dispose();
        once.Dispose();
    }

    private async Task<IBrowser> Started()
    {
        await once.WaitAsync();
        try
        {
            playwright ??= await Playwright.CreateAsync();
            return chromium ??= await playwright.Chromium.LaunchAsync(new()
            {
                ExecutablePath = Path,
                Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
            });
        }
        finally
        {
            once.Release();
        }
    }
}

/// <summary>One who uses the pages; what the browser complains of meanwhile is kept.</summary>
public sealed class Person(TestTown town, IPage page) : IAsyncDisposable
{
    private readonly List<string> complaints = Listen(page);

    public IPage Page => page;

    /// <summary>Errors on the console, refusals of the content security policy among them, and failures of scripts.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    public async Task SignIn(string name)
    {
        await page.GotoAsync("/signin");
        await page.FillAsync("#name", name);
        await page.ClickAsync("main button");
        await page.WaitForURLAsync("**/");
    }

    /// <summary>Signs in where the town sends people to for that.</summary>
    public async Task SignInElsewhere(string name)
    {
        await page.GotoAsync("/signin");
        await page.ClickAsync("main a.button");
        await page.FillAsync("#user", name);
        await page.ClickAsync("button");
        await page.WaitForURLAsync("**/");
    }

    public Task Go(string path) => page.GotoAsync(path);

    /// <summary>Goes where the answer takes time, which passes meanwhile: a sidecar tries again what it cannot reach.</summary>
    public Task Wait(string path) => town.TurnUntil(page.GotoAsync(path));

    /// <summary>Presses a button and lets the town come to rest.</summary>
    public async Task Press(string name)
    {
        await Unfolded(page.Locator("main button").Filter(new() { HasText = name }).First);
        await page.WaitForLoadStateAsync();
        await town.Settle();
    }

    /// <summary>Clicks a button, which what cannot be undone hides until one has unfolded it.</summary>
    public static async Task Unfolded(ILocator button)
    {
        await button.WaitForAsync(new() { State = WaitForSelectorState.Attached });
        var folded = button.Locator("xpath=ancestor::details[not(@open)]/summary");
        if (await folded.CountAsync() > 0)
        {
            await folded.ClickAsync();
        }

        await button.ClickAsync();
    }

    /// <summary>Fills in the form of a product's page and sends it.</summary>
    public async Task Reserve(string item, string button = "예약하고 결제하기")
    {
        await Go($"/items/{item}");
        await page.FillAsync("#reserveDt", "2027-04-04");
        await page.FillAsync("#address", "서울특별시 서초구 방배역 2번 출구");
        await Press(button);
    }

    /// <summary>Waits until the page shows the text, by itself: nothing here loads it again.</summary>
    public async Task Sees(string text, string within = "main")
    {
        try
        {
            await Assertions.Expect(page.Locator(within).GetByText(text).First).ToBeVisibleAsync(new() { Timeout = 15_000 });
        }
        catch (PlaywrightException unseen)
        {
            throw new TimeoutException($"{page.Url} does not show \"{text}\" but:\n{await page.Locator("main").InnerTextAsync()}\nThe services said:\n{TestLog.Drain()}", unseen);
        }
    }

    public async Task Picture(string name, bool whole = true)
    {
        Directory.CreateDirectory(Browser.Screenshots);
        await page.ScreenshotAsync(new() { Path = Path.Combine(Browser.Screenshots, $"{name}.png"), FullPage = whole });
    }

    public ValueTask DisposeAsync() => new(page.Context.CloseAsync());

    private static List<string> Listen(IPage page)
    {
        var complaints = new List<string>();
        page.Console += (_, said) =>
        {
            if (said.Type == "error")
            {
                complaints.Add($"{page.Url}: {said.Text}");
            }
        };
        page.PageError += (_, failure) => complaints.Add($"{page.Url}: {failure}");
        return complaints;
    }
}
